package session

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// measured is what a registry has of these collectors: the sum of each family by the value of its only label, if it has one.
func measured(collectors ...prometheus.Collector) map[string]float64 {
	GinkgoHelper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors...)
	families, err := registry.Gather()
	Expect(err).NotTo(HaveOccurred())
	Expect(promlint.NewWithMetricFamilies(families).Lint()).To(BeEmpty())
	all := map[string]float64{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			all[name] += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

var _ = Describe("Seen from outside, the operator", func() {
	var before map[string]float64
	BeforeEach(func() { before = measured(Collectors()...) })

	// more is by how much a metric has grown.
	more := func(name string) float64 {
		GinkgoHelper()
		return measured(Collectors()...)[name] - before[name]
	}

	It("counts a wake, a sleep that was taken back, a save that failed, and a sleep", func(ctx SpecContext) {
		saves.status = http.StatusInternalServerError
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		Expect(more("dormouse_operator_start_seconds")).To(BeEquivalentTo(1))
		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
		Touch(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(more("dormouse_operator_sleeps_taken_back_total")).To(BeEquivalentTo(1))
		Expect(more("dormouse_operator_start_seconds")).To(BeEquivalentTo(1), "it was no wake")

		Turn(ctx, s) // idle time begins anew
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Eventually(ctx, func() *v1alpha1.Session { return Reconciled(ctx, s) }).WithTimeout(10 * time.Second).Should(HaveReason(v1alpha1.ReasonSaveFailed))
		saves.status = http.StatusOK
		clk.SetTime(clk.Now().Add(time.Minute))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(more("dormouse_operator_save_failures_total")).To(BeEquivalentTo(1))
		Ends(ctx, s, 0, "")
		Turn(ctx, s)
		Expect(more("dormouse_operator_pod_ends_total Slept")).To(BeEquivalentTo(1))
		Expect(more("dormouse_operator_sleeps_taken_back_total")).To(BeEquivalentTo(1))
	})

	It("counts a start that failed by its reason, once", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		bind(ctx, Pod(ctx, s))
		Waits(ctx, s, "ErrImageNeverPull", "image localhost/table is not present")
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseFailed))
		Turn(ctx, s)
		Expect(more("dormouse_operator_failures_total ImagePullBackOff")).To(BeEquivalentTo(1))
	})

	It("measures the queue", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1))
		GivenAwake(ctx, "a")
		queue := NewQueueLength(r.Slots.Waiting)
		Expect(measured(queue)).To(Equal(map[string]float64{"dormouse_operator_queued_sessions": 0}))
		b := GivenSession(ctx, "b")
		Touch(ctx, b)
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseQueued))
		Expect(measured(queue)).To(Equal(map[string]float64{"dormouse_operator_queued_sessions": 1}))
	})
})
