package template

import (
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var sessions = prometheus.NewGaugeVec(prometheus.GaugeOpts{
	Name: "dormouse_operator_sessions",
	Help: "Sessions of a template by state, as its status counts them: awake, waking, failed, and asleep, which is all others.",
}, []string{"namespace", "template", "state"})

func init() { metrics.Registry.MustRegister(Collectors()...) }

// Collectors are what templates are measured in. They are registered already.
func Collectors() []prometheus.Collector { return []prometheus.Collector{sessions} }

// measure shows what the status of a template counts.
func measure(t *v1alpha1.SessionTemplate) {
	c := t.Status.Sessions
	for state, n := range map[string]int32{
		"awake": c.Awake, "waking": c.Waking, "failed": c.Failed, "asleep": c.Total - c.Awake - c.Waking - c.Failed,
	} {
		sessions.WithLabelValues(t.Namespace, t.Name, state).Set(float64(n))
	}
}

// unmeasure forgets a template that is gone.
func unmeasure(t types.NamespacedName) {
	sessions.DeletePartialMatch(prometheus.Labels{"namespace": t.Namespace, "template": t.Name})
}
