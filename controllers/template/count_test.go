package template_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = Describe("The counts of a template", func() {
	It("are of its sessions, by phase", func(ctx SpecContext) {
		for key, phase := range map[string]v1alpha1.SessionPhase{
			"new": "", "asleep": v1alpha1.PhaseAsleep, "queued": v1alpha1.PhaseQueued, "waking": v1alpha1.PhaseWaking,
			"awake": v1alpha1.PhaseAwake, "draining": v1alpha1.PhaseDraining, "stopping": v1alpha1.PhaseStopping, "failed": v1alpha1.PhaseFailed,
		} {
			givenSession(ctx, key, phase)
		}
		given(ctx, &v1alpha1.Session{
			ObjectMeta: metav1.ObjectMeta{Name: "go.a", Namespace: namespace},
			Spec:       v1alpha1.SessionSpec{Template: "go", Key: "a"},
		})
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t.Status.Sessions).To(Equal(v1alpha1.SessionCounts{Total: 8, Awake: 2, Waking: 2, Failed: 1}))
	})

	It("follow a change at once, and the next ones ten seconds later", func(ctx SpecContext) {
		s := givenSession(ctx, "a", v1alpha1.PhaseAsleep)
		t, again := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t.Status.Sessions.Awake).To(BeZero())
		Expect(again).To(BeZero(), "nothing has changed")

		clk.SetTime(clk.Now().Add(time.Minute))
		become(ctx, s, v1alpha1.PhaseAwake)
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(1))
		Expect(again).To(BeZero())

		clk.SetTime(clk.Now().Add(4 * time.Second))
		become(ctx, s, v1alpha1.PhaseAsleep)
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(1), "not yet")
		Expect(again).To(Equal(6 * time.Second))

		clk.SetTime(clk.Now().Add(again - 1))
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(1), "not yet")
		Expect(again).To(BeEquivalentTo(1))

		clk.SetTime(clk.Now().Add(again))
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeZero())
		Expect(again).To(BeZero())
	})

	It("are not written while nothing changes", func(ctx SpecContext) {
		s := givenSession(ctx, "a", v1alpha1.PhaseAwake)
		before, _ := reconciled(ctx, given(ctx, newTemplate()))
		for range 5 {
			clk.SetTime(clk.Now().Add(time.Minute))
			become(ctx, s, v1alpha1.PhaseDraining)
			after, again := reconciled(ctx, before)
			Expect(after.ResourceVersion).To(Equal(before.ResourceVersion))
			Expect(again).To(BeZero())
		}
	})

	It("are kept up for a rejected template too, without trying its pod more often", func(ctx SpecContext) {
		t, _ := reconciled(ctx, given(ctx, newTemplate(account("table"))))
		Expect(tried("not found")).To(BeTrue())
		clk.SetTime(clk.Now().Add(time.Minute))
		t, again := reconciled(ctx, t)
		Expect(tried("not found")).To(BeTrue())
		Expect(again).To(Equal(time.Minute))

		givenSession(ctx, "a", v1alpha1.PhaseAsleep)
		clk.SetTime(clk.Now().Add(11 * time.Second))
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Total).To(BeEquivalentTo(1))
		Expect(again).To(Equal(49 * time.Second))
		Expect(tried("not found")).To(BeFalse())
	})
})
