package session

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// behind is a cache that has not heard of any pod.
type behind struct{ client.Client }

func (b behind) Get(ctx context.Context, name client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	if _, ok := o.(*corev1.Pod); ok {
		return apierrors.NewNotFound(corev1.Resource("pods"), name.Name)
	}
	return b.Client.Get(ctx, name, o, opts...)
}

var _ = Describe("The end of a pod", func() {
	It("is not taken from a cache that has not heard of the pod", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		r.Client = behind{api}
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
	})

	It("of a deleted Session is not, either: its finalizer stays until the pod that was made just before has ended", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(api.Delete(ctx, s)).To(Succeed())
		r.Client = behind{api}
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Second)) // in which it was made, perhaps
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseStopping))
		Expect(Pod(ctx, s).DeletionTimestamp).NotTo(BeNil())
	})

	It("is recorded, and a wanted session has the next epoch at once when it was killed (003-04, 004-03)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		first := Pod(ctx, s)
		Ends(ctx, s, 137, "")
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseWaking))
		Expect(now.Status.Endpoint).To(BeNil())
		Expect(*now.Status.LastExit.Code).To(BeEquivalentTo(137))
		Eventually(recorder.Events).Should(Receive(Equal("Warning Ended Epoch 1: Error, exit code 137")))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil(), "the name is not free")
		Turn(ctx, s)
		second := Pod(ctx, s)
		Expect(second.UID).NotTo(Equal(first.UID))
		Expect(second.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationEpoch, "2"))
	})

	It("of a pod that Kubernetes takes from an awake session is told by its reason, and is no failure (002-23)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		status(ctx, s, func(p *corev1.PodStatus) {
			p.Conditions = append(p.Conditions, corev1.PodCondition{
				Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonPreemptionByScheduler,
			})
		})
		Expect(api.Delete(ctx, Pod(ctx, s))).To(Succeed())
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseStopping))
		Ends(ctx, s, 143, "")
		now := Reconciled(ctx, s)
		Expect(now.Status.LastExit.Reason).To(Equal(corev1.PodReasonPreemptionByScheduler))
		Expect(now.Status.History).To(HaveLen(1))
		Expect(now.Status.Failures).To(BeNil())
	})

	It("puts a session that ended well to sleep, and it is not started again by itself (001-02, 001-04)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Ends(ctx, s, 0, "bye")
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAsleep))
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
	})

	It("is not believed from the phase alone: no second pod beside one that may run (000-33, 001-19)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		status(ctx, s, func(p *corev1.PodStatus) { p.Phase = corev1.PodFailed }) // as the pod garbage collector does
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		zero := int64(0)
		Expect(api.Delete(ctx, Pod(ctx, s), &client.DeleteOptions{GracePeriodSeconds: &zero})).To(Succeed())
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseStopping))
		Touch(ctx, s)
		clk.SetTime(clk.Now().Add(time.Hour))
		now := Reconciled(ctx, s)
		Expect(now).To(HaveReason(v1alpha1.ReasonPodNotEnded))
		Expect(Pod(ctx, s)).NotTo(BeNil(), "a forced delete freed the name")

		node := &corev1.Node{}
		Expect(api.Get(ctx, client.ObjectKey{Name: "node-1"}, node)).To(Succeed())
		Expect(api.Delete(ctx, node)).To(Succeed())
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseWaking))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		Turn(ctx, s)
		Expect(Pod(ctx, s).Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationEpoch, "2"))
	})

	It("whose node vanished frees the name, though no kubelet is left to finish (000-33)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Expect(api.Delete(ctx, Pod(ctx, s))).To(Succeed())
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseStopping))
		Touch(ctx, s)
		Expect(api.Delete(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}})).To(Succeed())
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseWaking))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
	})

	It("of a leftover of an older Session comes before the first pod of the new one", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		old := Now(ctx, s)
		old.Finalizers = nil
		Expect(api.Update(ctx, old)).To(Succeed())
		Expect(api.Delete(ctx, old)).To(Succeed())

		again := GivenSession(ctx, "a")
		Touch(ctx, again)
		Turn(ctx, again)
		leftover := Pod(ctx, again)
		Expect(leftover.DeletionTimestamp).NotTo(BeNil())
		Ends(ctx, again, 0, "")
		Turn(ctx, again)
		Expect(Pod(ctx, again)).To(BeNil())
		Turn(ctx, again)
		Turn(ctx, again)
		Expect(Pod(ctx, again).UID).NotTo(Equal(leftover.UID))
	})

	It("of a pod whose Session is gone already frees the name all the same", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		now := Now(ctx, s)
		now.Finalizers = nil
		Expect(api.Update(ctx, now)).To(Succeed())
		Expect(api.Delete(ctx, now)).To(Succeed())
		Turn(ctx, s)
		Expect(Pod(ctx, s).DeletionTimestamp).NotTo(BeNil())
		Ends(ctx, s, 0, "")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		Expect(Turn(ctx, s)).To(BeZero())
	})

	It("of a pod that a late former leader made comes before the next one, and it never serves (000-33)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		before := Now(ctx, s)
		Expect(Pod(ctx, s)).NotTo(BeNil())
		Ends(ctx, s, 3, "no legs")
		for range 3 {
			Turn(ctx, s)
		}
		Expect(Pod(ctx, s)).To(BeNil())
		Expect(Now(ctx, s).Status.Epoch).To(BeEquivalentTo(1))

		leader := r
		r = NewOperator()
		r.Client = late{Client: api, session: before}
		Turn(ctx, s)
		made := Pod(ctx, s)
		Expect(made.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationEpoch, "1"), "the former leader was not late")
		Runs(ctx, s)
		Turn(ctx, s)
		r = leader
		Expect(Reconciled(ctx, s).Status.Endpoint).To(BeNil())
		Expect(Pod(ctx, s).DeletionTimestamp).NotTo(BeNil())
	})

	It("comes before the end of a deleted Session (002-19)", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		Expect(api.Delete(ctx, s)).To(Succeed())
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseDraining))
		Expect(now.Status.Drain.Forced).To(BeTrue())
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(saves.asked).To(Equal(1))
		Ends(ctx, s, 0, "")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(s), s))).To(BeTrue())
		Expect(Pod(ctx, s)).To(BeNil())
	})
})
