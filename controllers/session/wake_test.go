package session

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = Describe("A session that is wanted", func() {
	It("is left alone until somebody wants it (000-49, 004-04)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		before := Now(ctx, s)
		Expect(Turn(ctx, s)).To(BeZero())
		Expect(Now(ctx, s).ResourceVersion).To(Equal(before.ResourceVersion), "a turn wrote something")
		Expect(Pod(ctx, s)).To(BeNil())
	})

	It("gets a pod that knows its key and epoch, and is published as soon as that has an address (000-05, 001-08)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		pod := Pod(ctx, s)
		Expect(pod).NotTo(BeNil())
		Expect(pod.Spec.Containers[0].Env).To(ContainElements(
			corev1.EnvVar{Name: v1alpha1.EnvKey, Value: "a"}, corev1.EnvVar{Name: v1alpha1.EnvEpoch, Value: "1"}))
		Expect(Now(ctx, s)).To(HavePhase(""), "a start of a moment is not worth a write")

		Runs(ctx, s)
		now := Reconciled(ctx, s)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseAwake), HaveReason(v1alpha1.ReasonServing)))
		Expect(now.Status.Endpoint).To(Equal(&v1alpha1.Endpoint{UID: pod.UID, Address: "127.1.2.3", Port: 8080}))
		Expect(now.Status.Epoch).To(BeEquivalentTo(1))
		Expect(now.Status.Pod.Node).To(Equal("node-1"))
		Expect(recorder.Events).To(Receive(ContainSubstring("Awake")))
	})

	It("is published with what its port speaks", func(ctx SpecContext) {
		GivenTemplate(ctx, func(t *v1alpha1.SessionTemplate) { t.Spec.Protocol = v1alpha1.ProtocolH2C })
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		Runs(ctx, s)
		Expect(Reconciled(ctx, s).Status.Endpoint.Protocol).To(Equal(v1alpha1.ProtocolH2C))
	})

	It("is wanted from its creation on when a gateway made it: one write, not two", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess.a"}}
		s.Annotations = map[string]string{v1alpha1.AnnotationWantedSince: metav1.NewMicroTime(clk.Now()).Format(metav1.RFC3339Micro)}
		s.Spec = v1alpha1.SessionSpec{Template: "chess", Key: "a"}
		Expect(api.Create(ctx, s)).To(Succeed())
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(Pod(ctx, s)).NotTo(BeNil())
	})

	It("is not tracked field by field, unless somebody applies it server-side", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Expect(s.ManagedFields).NotTo(BeEmpty())
		Touch(ctx, s)
		Turn(ctx, s)
		Touch(ctx, s)
		Expect(Now(ctx, s).ManagedFields).To(BeEmpty())

		apply := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"template": "chess", "key": "b"}}}
		apply.SetGroupVersionKind(v1alpha1.GroupVersion.WithKind("Session"))
		apply.SetNamespace(namespace)
		apply.SetName("chess.b")
		Expect(api.Apply(ctx, client.ApplyConfigurationFromUnstructured(apply), client.FieldOwner("a-person"))).To(Succeed())
		b := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess.b"}}
		Touch(ctx, b)
		Turn(ctx, b)
		Expect(Now(ctx, b).Finalizers).NotTo(BeEmpty())
		Expect(Now(ctx, b).ManagedFields).NotTo(BeEmpty())
	})

	It("says that it is waking when that takes long, and why (002-17)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(Turn(ctx, s)).To(Equal(time.Second))
		clk.SetTime(clk.Now().Add(time.Second))
		Expect(Reconciled(ctx, s)).To(And(HavePhase(v1alpha1.PhaseWaking), HaveReason(v1alpha1.ReasonWaking)))
		status(ctx, s, func(p *corev1.PodStatus) {
			p.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: "0/1 nodes are available"}}
		})
		Expect(Reconciled(ctx, s)).To(HaveReason(v1alpha1.ReasonUnschedulable))
		clk.SetTime(clk.Now().Add(time.Minute))
		now := Reconciled(ctx, s)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseFailed), HaveReason(v1alpha1.ReasonUnschedulable)))
		Expect(now.Status.LastExit.Message).To(Equal("0/1 nodes are available"))
		Expect(Pod(ctx, s)).To(Or(BeNil(), HaveField("DeletionTimestamp", Not(BeNil()))))
	})

	It("fails at once when its image cannot be pulled, and its next try has the next epoch (000-04)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		bind(ctx, Pod(ctx, s))
		Waits(ctx, s, "ErrImageNeverPull", "image localhost/table is not present")
		now := Reconciled(ctx, s)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseFailed), HaveReason(v1alpha1.ReasonImagePullBackOff)))
		Expect(now.Status.LastExit.Message).To(ContainSubstring("is not present"))
		Expect(now.Status.Failures.Count).To(BeEquivalentTo(1))
		Ends(ctx, s, 0, "")
		Expect(Turn(ctx, s)).To(Equal(2*time.Second), "the kubelet's time to finish the delete")
		clk.SetTime(clk.Now().Add(2 * time.Second))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		Expect(Reconciled(ctx, s)).To(And(HavePhase(v1alpha1.PhaseAsleep), HaveReason(v1alpha1.ReasonImagePullBackOff)))
		Touch(ctx, s)
		Turn(ctx, s)
		Expect(Pod(ctx, s).Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationEpoch, "2"))
	})

	It("reports the exit code and the last line of a pod that ends instead of serving (001-18, 002-06)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		bind(ctx, Pod(ctx, s))
		Ends(ctx, s, 3, "loading\nno such table\n")
		now := Reconciled(ctx, s)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseFailed), HaveReason(v1alpha1.ReasonStartFailed)))
		Expect(*now.Status.LastExit.Code).To(BeEquivalentTo(3))
		Expect(now.Status.LastExit.Message).To(Equal("no such table"))
		Expect(now.Status.Epoch).To(BeEquivalentTo(1))
	})

	It("says so when there is no template, and when the pod is rejected", func(ctx SpecContext) {
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Expect(Reconciled(ctx, s)).To(And(HavePhase(v1alpha1.PhaseFailed), HaveReason(v1alpha1.ReasonTemplateNotFound)))

		GivenTemplate(ctx, Without("nobody"))
		b := GivenSession(ctx, "b")
		Touch(ctx, b)
		Turn(ctx, b)
		now := Reconciled(ctx, b)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseFailed), HaveReason(v1alpha1.ReasonPodRejected)))
		Expect(now.Status.LastExit.Message).To(ContainSubstring("nobody"))
	})

	It("never takes over a pod that is not its own (004-11)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		alien := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: s.Name}}
		alien.Spec.Containers = []corev1.Container{{Name: "x", Image: "x"}}
		Expect(api.Create(ctx, alien)).To(Succeed())
		Touch(ctx, s)
		Turn(ctx, s)
		Expect(Reconciled(ctx, s)).To(HaveReason(v1alpha1.ReasonPodNameTaken))
		Expect(api.Get(ctx, client.ObjectKeyFromObject(alien), alien)).To(Succeed())
		Expect(alien.DeletionTimestamp).To(BeNil())
	})

	It("queues when limits.awake is reached, and wakes when a place is free (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1))
		a := GivenAwake(ctx, "a")
		b := GivenSession(ctx, "b")
		Touch(ctx, b)
		Expect(Reconciled(ctx, b)).To(And(HavePhase(v1alpha1.PhaseQueued), HaveReason(v1alpha1.ReasonQueued)))
		clk.SetTime(clk.Now().Add(time.Hour))
		Turn(ctx, a)
		Seeing(ctx, a, v1alpha1.PhaseStopping)
		Ends(ctx, a, 0, "")
		Turn(ctx, a)
		clk.SetTime(clk.Now().Add(time.Hour))
		Turn(ctx, a)
		Turn(ctx, a)
		Turn(ctx, b)
		Turn(ctx, b)
		Expect(Pod(ctx, b)).NotTo(BeNil())
	})

	It("gives its turn in the queue up when nobody has asked for as long as a request may wait (000-65)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1))
		GivenAwake(ctx, "a")
		b := GivenSession(ctx, "b")
		Touch(ctx, b)
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseQueued))
		Expect(Turn(ctx, b)).To(BeNumerically("~", time.Minute, time.Second))
		clk.SetTime(clk.Now().Add(50 * time.Second))
		Touch(ctx, b) // somebody still waits
		Turn(ctx, b)
		clk.SetTime(clk.Now().Add(50 * time.Second))
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseQueued))
		clk.SetTime(clk.Now().Add(10 * time.Second))
		Expect(Reconciled(ctx, b)).To(And(HavePhase(v1alpha1.PhaseAsleep), HaveReason(v1alpha1.ReasonQueueTimeout)))
		Touch(ctx, b)
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseQueued))
	})
})
