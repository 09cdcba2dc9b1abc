package session

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

func LastingAwake(d time.Duration) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Lifetime.Awake = &metav1.Duration{Duration: d} }
}

func LastingAsleep(d time.Duration) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Lifetime.Asleep = &metav1.Duration{Duration: d} }
}

var _ = Describe("A Task", func() {
	It("runs from its creation to its own end, without a request and without a port (001-01, 001-04)", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("work"))
		s := GivenOf(ctx, "work", "a")
		Turn(ctx, s)
		Turn(ctx, s)
		Runs(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Turn(ctx, s)).To(BeZero(), "a Task is not idle")
		Ends(ctx, s, 0, "done")
		now := Reconciled(ctx, s)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseCompleted), HaveReason(v1alpha1.ReasonCompleted)))
		Expect(now.Status.LastExit.Message).To(Equal("done"))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		Expect(Turn(ctx, s)).To(BeZero())
	})

	It("whose pod is evicted is no failure, and goes on (002-23)", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("work"), Restarted(v1alpha1.RestartTransient, 0))
		s := GivenOf(ctx, "work", "a")
		Turn(ctx, s)
		Turn(ctx, s)
		Runs(ctx, s)
		Turn(ctx, s)
		Expect(api.Delete(ctx, Pod(ctx, s))).To(Succeed())
		Turn(ctx, s)
		Ends(ctx, s, 143, "")
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseWaking))
		Expect(now.Status.Failures).To(BeNil())
	})
})

var _ = Describe("A Task whose pod ends without its doing", func() {
	evict := func(ctx SpecContext, s *v1alpha1.Session, code int32) *v1alpha1.Session {
		GinkgoHelper()
		Ends(ctx, s, code, "")
		status(ctx, s, func(p *corev1.PodStatus) { p.Reason = "Evicted" })
		return Reconciled(ctx, s)
	}

	It("is not done, whatever code it had, and a catch-all does not judge it; a rule that names the reason does (002-23)", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("work", v1alpha1.Outcome{Reasons: []string{"Evicted"}, ExitCodes: []int32{3}, Then: v1alpha1.OutcomeFail}))
		GivenTemplate(ctx, AsTask("other", v1alpha1.Outcome{ExitCodes: []int32{0}, Then: v1alpha1.OutcomeComplete}, v1alpha1.Outcome{Then: v1alpha1.OutcomeFail}))
		for template, reason := range map[string]string{"work": v1alpha1.ReasonGaveUp, "other": v1alpha1.ReasonWaking} {
			s := GivenOf(ctx, template, "a")
			for range 2 {
				Turn(ctx, s)
			}
			Runs(ctx, s)
			Turn(ctx, s)
			now := evict(ctx, s, 0)
			Expect(now).To(HaveReason(reason), template)
			Expect(now.Status.Failures).To(BeNil())
		}
	})

	It("goes on while its template is away, and what follows from its end waits for that (002-20)", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("work"))
		s := GivenOf(ctx, "work", "a")
		for range 2 {
			Turn(ctx, s)
		}
		Runs(ctx, s)
		Turn(ctx, s)
		template := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "work"}}
		Expect(api.Delete(ctx, template)).To(Succeed())
		clk.SetTime(clk.Now().Add(time.Hour))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Ends(ctx, s, 0, "done")
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake), "its end was judged without a template")
		GivenTemplate(ctx, AsTask("work"))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseCompleted))
	})
})

var _ = Describe("A session that must rest", func() {
	It("sleeps while it is suspended, whoever wants it, and wakes after", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		suspend(ctx, s, true)
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseDraining))
		Expect(now.Status.Drain.Forced).To(BeTrue(), "a request would take it back")
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(saves.asked).To(Equal(1))
		Ends(ctx, s, 0, "")
		Turn(ctx, s)
		Touch(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(Now(ctx, s)).To(And(HavePhase(v1alpha1.PhaseAsleep), HaveReason(v1alpha1.ReasonSuspended)))
		Expect(Pod(ctx, s)).To(BeNil())

		suspend(ctx, s, false)
		Turn(ctx, s)
		Expect(Pod(ctx, s)).NotTo(BeNil(), "it was touched meanwhile")
	})

	It("waits for its save, however long that fails", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		saves.status = http.StatusInternalServerError
		suspend(ctx, s, true)
		Turn(ctx, s)
		Eventually(ctx, func(ctx context.Context) *v1alpha1.Session {
			clk.SetTime(clk.Now().Add(time.Minute))
			return Reconciled(ctx, s)
		}).WithTimeout(10 * time.Second).Should(HaveReason(v1alpha1.ReasonSaveFailed))
		for range 5 {
			clk.SetTime(clk.Now().Add(time.Minute))
			Turn(ctx, s)
		}
		Expect(Now(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining), "state was traded for memory")
		saves.status = http.StatusNoContent
		Eventually(ctx, func(ctx context.Context) *v1alpha1.Session {
			clk.SetTime(clk.Now().Add(time.Minute))
			return Reconciled(ctx, s)
		}).WithTimeout(10 * time.Second).Should(HavePhase(v1alpha1.PhaseStopping))
	})

	It("has a drain under way turned into one that no request holds up", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		suspend(ctx, s, true)
		Touch(ctx, s)
		Expect(Reconciled(ctx, s).Status.Drain.Forced).To(BeTrue())
		Expect(Now(ctx, s).Touched()).To(BeFalse())
	})

	It("is put to sleep when its pod has served for lifetime.awake, though it is busy", func(ctx SpecContext) {
		GivenTemplate(ctx, LastingAwake(time.Hour))
		s := GivenAwake(ctx, "a")
		clk.SetTime(clk.Now().Add(59 * time.Minute))
		Touch(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
	})

	It("counts lifetime.awake from the first publication of its pod, though a sleep was taken back", func(ctx SpecContext) {
		GivenTemplate(ctx, LastingAwake(time.Hour))
		s := GivenAwake(ctx, "a")
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Touch(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		clk.SetTime(clk.Now().Add(58 * time.Minute))
		Touch(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s).Status.Drain).To(HaveField("Forced", BeTrue()))
	})

	It("is deleted when it has slept for lifetime.asleep, unless somebody wants it in that moment", func(ctx SpecContext) {
		GivenTemplate(ctx, LastingAsleep(time.Hour), Restarted(v1alpha1.RestartTemporary, 3))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Expect(Does(ctx, s, 137)).To(HavePhase(v1alpha1.PhaseAsleep))
		left := Turn(ctx, s)
		Expect(left).To(BeNumerically("~", time.Hour, 2*time.Second))
		before := Now(ctx, s)
		clk.SetTime(clk.Now().Add(left))
		Touch(ctx, s)
		r.Client = late{Client: api, session: before}
		Turn(ctx, s)
		Expect(Now(ctx, s).DeletionTimestamp).To(BeNil(), "a touch lost")

		r.Client = api
		Expect(Does(ctx, s, 137)).To(HavePhase(v1alpha1.PhaseAsleep))
		clk.SetTime(clk.Now().Add(2 * time.Hour))
		Turn(ctx, s)
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Second)) // in which it was made, by the API server's clock
		Turn(ctx, s)
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(s), s))).To(BeTrue())
	})
})

func suspend(ctx SpecContext, s *v1alpha1.Session, suspended bool) {
	GinkgoHelper()
	now := Now(ctx, s)
	next := now.DeepCopy()
	next.Spec.Suspend = suspended
	Expect(api.Patch(ctx, next, client.MergeFrom(now))).To(Succeed())
}
