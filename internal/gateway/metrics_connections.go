package gateway

import "github.com/prometheus/client_golang/prometheus"

// connectionMetrics are what a gateway counts of connections.
type connectionMetrics struct {
	upgraded, hibernated           prometheus.Gauge
	resumed, misroutes, turnedAway prometheus.Counter
}

func newConnectionMetrics(r prometheus.Registerer) connectionMetrics {
	m := connectionMetrics{
		upgraded: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dormouse_gateway_upgraded_connections",
			Help: "Open WebSockets.",
		}),
		hibernated: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dormouse_gateway_hibernated_connections",
			Help: "Open WebSockets without a pod, most of them because their session sleeps.",
		}),
		resumed: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_resumed_connections_total",
			Help: "WebSockets that were without a pod and are at one again.",
		}),
		misroutes: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_misroutes_refused_total",
			Help: "Connections that were closed before a request, because the answer at the identity path was not the UID of the pod that was dialled.",
		}),
		turnedAway: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_turned_away_connections_total",
			Help: "Connections that were closed at once, because their client address had as many as it may have.",
		}),
	}
	r.MustRegister(m.upgraded, m.hibernated, m.resumed, m.misroutes, m.turnedAway)
	return m
}

// TurnedAway counts a connection that was closed at once.
func (m *Metrics) TurnedAway() { m.turnedAway.Inc() }
