package template_test

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/controllers/template"
)

// measured is how many sessions of this story's template the metrics have in each state.
func measured() map[string]float64 {
	GinkgoHelper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(template.Collectors()...)
	families, err := registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	Expect(promlint.NewWithMetricFamilies(families).Lint()).To(BeEmpty())
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			if m.Label[0].GetValue() == namespace {
				all[m.Label[1].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return all
}

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
		Expect(measured()).To(Equal(map[string]float64{"awake": 2, "waking": 2, "failed": 1, "asleep": 3}))
		Expect(api.Delete(ctx, t)).To(Succeed())
		_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(t)})
		Expect(err).NotTo(HaveOccurred())
		Expect(measured()).To(BeEmpty(), "the template is gone")
	})

	It("follow a change a second later, when a wake is over, and the next ones ten seconds after that", func(ctx SpecContext) {
		s := givenSession(ctx, "a", v1alpha1.PhaseAsleep)
		t, again := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t.Status.Sessions.Awake).To(BeZero())
		Expect(again).To(BeZero(), "nothing has changed")

		clk.SetTime(clk.Now().Add(time.Minute))
		become(ctx, s, v1alpha1.PhaseAwake)
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeZero(), "not yet")
		Expect(again).To(Equal(time.Second))

		clk.SetTime(clk.Now().Add(again - 1))
		become(ctx, givenSession(ctx, "b", v1alpha1.PhaseAsleep), v1alpha1.PhaseAwake)
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeZero(), "not yet")
		Expect(again).To(BeEquivalentTo(1), "more news does not put it off")

		clk.SetTime(clk.Now().Add(again))
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(2))
		Expect(again).To(BeZero())

		clk.SetTime(clk.Now().Add(4 * time.Second))
		become(ctx, s, v1alpha1.PhaseAsleep)
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(2), "not yet")
		Expect(again).To(Equal(6 * time.Second))

		clk.SetTime(clk.Now().Add(again - 1))
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(2), "not yet")
		Expect(again).To(BeEquivalentTo(1))

		clk.SetTime(clk.Now().Add(again))
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(1))
		Expect(again).To(BeZero())
	})

	It("are not written while nothing changes", func(ctx SpecContext) {
		s := givenSession(ctx, "a", v1alpha1.PhaseAwake)
		before, _ := reconciled(ctx, given(ctx, newTemplate()))
		for range 5 {
			clk.SetTime(clk.Now().Add(time.Minute))
			become(ctx, s, v1alpha1.PhaseDraining)
			_, again := reconciled(ctx, before)
			clk.SetTime(clk.Now().Add(again))
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
		Expect(again).To(Equal(time.Second))

		givenSession(ctx, "a", v1alpha1.PhaseAsleep)
		clk.SetTime(clk.Now().Add(again))
		t, again = reconciled(ctx, t)
		Expect(t.Status.Sessions.Total).To(BeEquivalentTo(1))
		Expect(again).To(Equal(59 * time.Second))
		Expect(tried("not found")).To(BeFalse())
	})
})
