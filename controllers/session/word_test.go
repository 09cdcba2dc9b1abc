package session

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

type word func(*v1alpha1.Activity)

func IdleAfter(d time.Duration) word {
	return func(a *v1alpha1.Activity) { a.IdleAfter = &metav1.Duration{Duration: d} }
}

func Busy(d time.Duration) word {
	return func(a *v1alpha1.Activity) { a.Busy = &metav1.Duration{Duration: d} }
}

// Says is a touch with what the workload said in its answer.
func Says(ctx context.Context, s *v1alpha1.Session, words ...word) {
	GinkgoHelper()
	Touch(ctx, s)
	now := Now(ctx, s)
	next := now.DeepCopy()
	for _, w := range words {
		w(next.Status.Activity)
	}
	Expect(api.Status().Patch(ctx, next, client.MergeFrom(now))).To(Succeed())
}

var _ = Describe("A session whose workload says when it is idle", func() {
	It("sleeps by its own time, and not by its template's, until it says otherwise (000-10, 000-51, 000-57)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Says(ctx, s, IdleAfter(4*time.Hour))
		Expect(Turn(ctx, s)).To(Equal(4 * time.Hour))
		clk.SetTime(clk.Now().Add(4*time.Hour - 1))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Says(ctx, s, IdleAfter(10*time.Second))
		Expect(Turn(ctx, s)).To(Equal(10 * time.Second))
		clk.SetTime(clk.Now().Add(10 * time.Second))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Touch(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
	})

	It("sleeps at once if it says so, and a request in between takes that back (000-10, 000-11)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Says(ctx, s, IdleAfter(0))
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseDraining))
		Expect(now.Status.Drain.Activity).To(Equal(now.Status.Activity))
		Expect(now.Touched()).To(BeFalse())
		Says(ctx, s, func(a *v1alpha1.Activity) { a.IdleAfter = nil })
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Turn(ctx, s)).To(Equal(time.Minute))
	})

	It("stays awake while it is busy, whatever its idle time, also under a new leader (000-26, 000-63)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Says(ctx, s, IdleAfter(time.Second), Busy(10*time.Minute))
		Expect(Turn(ctx, s)).To(Equal(10 * time.Minute))
		clk.SetTime(clk.Now().Add(4 * time.Minute))
		r = NewOperator()
		Expect(Turn(ctx, s)).To(BeNumerically("~", 6*time.Minute, time.Millisecond), "microseconds of the touch's time")
		Expect(Now(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		clk.SetTime(clk.Now().Add(6*time.Minute + time.Millisecond))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
	})

	It("is idle as its template says once it says that it is not busy any more (000-26)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Says(ctx, s, Busy(24*time.Hour))
		Expect(Turn(ctx, s)).To(Equal(24 * time.Hour))
		Says(ctx, s, func(a *v1alpha1.Activity) { a.Busy = nil })
		Expect(Turn(ctx, s)).To(Equal(time.Minute))
	})

	It("has its pod replaced if that is killed while it is busy, though nobody else needs it (000-26)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Says(ctx, s, Busy(time.Hour))
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(30 * time.Minute))
		Ends(ctx, s, 137, "")
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseWaking))
	})
})
