package cluster

import (
	"github.com/prometheus/client_golang/prometheus"
)

// metrics of the package. None has a label per key.
type metrics struct {
	touches   *prometheus.CounterVec
	late      prometheus.Counter
	takenBack prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, g *Gateway) *metrics {
	m := &metrics{
		touches: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dormouse_gateway_touches_total",
			Help: "Writes that say that a session is needed, by result: ok, created, not_found, failed.",
		}, []string{"result"}),
		late: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_lease_renew_errors_total",
			Help: "Renewals of this gateway's Lease that failed.",
		}),
		takenBack: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_sleeps_taken_back_total",
			Help: "Touches that found the session about to sleep, and took that back.",
		}),
	}
	gauges := map[string]struct {
		help  string
		value func() float64
	}{
		"dormouse_gateway_watch_age_seconds":  {"How long ago the watch on Sessions said something.", func() float64 { return g.sessions.age().Seconds() }},
		"dormouse_gateway_lease_age_seconds":  {"How long ago the last renewal of this gateway's Lease began that succeeded. 0 before the first.", func() float64 { return g.lease.fresh.age().Seconds() }},
		"dormouse_gateway_unsettled_sessions": {"Unpublished sessions with requests in flight, which hold a sleep back.", func() float64 { return float64(g.Directory.Unsettled()) }},
		"dormouse_gateway_directory_entries":  {"Sessions that this gateway remembers something of.", func() float64 { return float64(g.Directory.Len()) }},
		"dormouse_gateway_stale":              {"1 while this gateway trusts its view too little to dial by it.", func() float64 { return oneIf(g.Directory.Stale()) }},
	}
	reg.MustRegister(m.touches, m.late, m.takenBack)
	for name, gauge := range gauges {
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: gauge.help}, gauge.value))
	}
	return m
}

func oneIf(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
