package session

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// deaf is a cache that has not heard of a pod's deletion, and counts how often that is asked for.
type deaf struct {
	client.Client
	pod   *corev1.Pod
	asked int
}

func (d *deaf) Get(ctx context.Context, name client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if pod, ok := o.(*corev1.Pod); ok {
		d.pod.DeepCopyInto(pod)
		return nil
	}
	return d.Client.Get(ctx, name, o, opts...)
}

func (d *deaf) Delete(ctx context.Context, o client.Object, opts ...client.DeleteOption) error {
	d.asked++
	return d.Client.Delete(ctx, o, opts...)
}

var _ = Describe("A session that is idle", func() {
	It("is unpublished exactly when its time is over, saved, stopped, and sleeps (000-14)", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		Expect(Turn(ctx, s)).To(Equal(time.Minute))
		clk.SetTime(clk.Now().Add(time.Minute))
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseDraining))
		Expect(now.Status.Endpoint).To(BeNil())
		Expect(now.Status.Drain.Activity).To(Equal(now.Status.Activity))

		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(saves.asked).To(Equal(1))
		Expect(Pod(ctx, s).DeletionTimestamp).NotTo(BeNil())

		Ends(ctx, s, 0, "")
		now = Reconciled(ctx, s)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseAsleep), HaveReason(v1alpha1.ReasonAsleep)))
		Expect(now.Status.LastExit.Reason).To(Equal("Slept"))
		Expect(now.Status.History).To(BeEmpty(), "a sleep is no news")
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())

		asleep := Now(ctx, s)
		Expect(Turn(ctx, s)).To(BeZero())
		Expect(Now(ctx, s).ResourceVersion).To(Equal(asleep.ResourceVersion))
		Expect(r.memories.byID).To(BeEmpty(), "a sleeping session costs no memory")
	})

	It("stays asleep under a new leader, and wakes with the next epoch (000-55, 002-09, 002-20, 004-15)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Ends(ctx, s, 0, "")
		r = NewOperator()
		Turn(ctx, s)
		r = NewOperator()
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAsleep))
		Touch(ctx, s)
		Turn(ctx, s)
		Expect(Pod(ctx, s).Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationEpoch, "2"))
	})

	It("takes back a sleep when a request comes, and the same pod answers (000-11, 000-12)", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		pod := Pod(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Touch(ctx, s)
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(now.Status.Endpoint.UID).To(Equal(pod.UID))
		Expect(now.Status.Drain).To(BeNil())
		Expect(Turn(ctx, s)).To(Equal(time.Minute), "idle time begins anew")
	})

	It("loses to a touch that the operator has not seen: demand wins (000-15, 000-34)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		clk.SetTime(clk.Now().Add(time.Minute))
		stale := Now(ctx, s)
		Touch(ctx, s)
		r.Client = late{Client: api, session: stale}
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake), "an unpublish was written over a touch")
	})

	It("is idle by the operator's clock, though a gateway's runs ahead", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		now := Now(ctx, s)
		next := now.DeepCopy()
		next.Status.Activity.Time = metav1.NewMicroTime(clk.Now().Add(time.Hour).Truncate(time.Microsecond))
		Expect(api.Status().Patch(ctx, next, client.MergeFrom(now))).To(Succeed())
		r = NewOperator()
		Expect(Turn(ctx, s)).To(Equal(time.Minute))
	})

	It("waits for every gateway, and for no clock of theirs (004-16)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		gateway := &corev1.Pod{}
		gateway.Namespace, gateway.Name = namespace, "gateway-1"
		gateway.Spec.Containers = []corev1.Container{{Name: v1alpha1.ComponentGateway, Image: "x"}}
		Expect(api.Create(ctx, gateway)).To(Succeed())
		lease := GivenGateway(ctx, Now(ctx, s))
		next := lease.DeepCopy()
		next.Annotations[v1alpha1.AnnotationPodUID] = string(gateway.UID)
		Expect(api.Patch(ctx, next, client.MergeFrom(lease))).To(Succeed())
		lease = next

		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Hour))
		Consistently(ctx, func() *v1alpha1.Session { return Reconciled(ctx, s) }, "300ms").Should(And(HavePhase(v1alpha1.PhaseDraining), HaveReason(v1alpha1.ReasonWaitingForGateways)))
		Sees(ctx, lease, Now(ctx, s), string(s.UID))
		Consistently(ctx, func() *v1alpha1.Session { return Reconciled(ctx, s) }, "300ms").Should(HavePhase(v1alpha1.PhaseDraining), "a gateway that does not vouch for the session was passed over")
		Sees(ctx, lease, Now(ctx, s))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
	})

	It("asks its pod to stop once, though it hears late of the deletion", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		behind := &deaf{Client: api, pod: Pod(ctx, s)}
		r.Client = behind
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Turn(ctx, s)
		Expect(behind.asked).To(Equal(1))
		Expect(Pod(ctx, s).DeletionTimestamp).NotTo(BeNil())
	})

	It("asks the pod to stop that it has seen, and not the next one of that name (000-33)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		seen := Pod(ctx, s)
		released := seen.DeepCopy()
		released.Finalizers = nil
		Expect(api.Update(ctx, released)).To(Succeed())
		Expect(api.Delete(ctx, released, client.GracePeriodSeconds(0))).To(Succeed())
		next := seen.DeepCopy()
		next.UID, next.ResourceVersion = "", ""
		Expect(api.Create(ctx, next)).To(Succeed())

		r.Client = &deaf{Client: api, pod: seen}
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(Pod(ctx, s).UID).To(Equal(next.UID))
		Expect(Pod(ctx, s).DeletionTimestamp).To(BeNil())
	})

	It("does not wait for a gateway whose pod is gone (000-40)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		GivenGateway(ctx, s) // of a pod that does not exist
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(2 * time.Second))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
	})

	It("keeps its pod when the save fails, and says so (002-08)", func(ctx SpecContext) {
		saves.status = http.StatusInternalServerError
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		GivenGateway(ctx, Now(ctx, s)) // which has seen the unpublish, and need not see what is reported after it
		Eventually(ctx, func() *v1alpha1.Session { return Reconciled(ctx, s) }).WithTimeout(10 * time.Second).Should(HaveReason(v1alpha1.ReasonSaveFailed))
		told := Now(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(Now(ctx, s).ResourceVersion).To(Equal(told.ResourceVersion), "what was reported led to another report")
		Expect(Pod(ctx, s).DeletionTimestamp).To(BeNil())
		saves.status = http.StatusOK
		clk.SetTime(clk.Now().Add(time.Minute))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
	})

	It("is saved and reached as was agreed when its pod was made, whatever becomes of its template", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		template := &v1alpha1.SessionTemplate{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, template)).To(Succeed())
		template.Spec.Port = intstr.FromInt32(9090)
		Expect(api.Update(ctx, template)).To(Succeed())
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Expect(api.Delete(ctx, template)).To(Succeed())
		Touch(ctx, s)
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(now.Status.Endpoint.Port).To(BeEquivalentTo(8080))
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Hour))
		Turn(ctx, s)
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(saves.asked).To(Equal(1), "state was given up with the template")
	})
})
