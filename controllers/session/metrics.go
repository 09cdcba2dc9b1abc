package session

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"
)

var (
	steps = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dormouse_operator_steps_total", Help: "Steps of all sessions, by what was done.",
	}, []string{"verb"})
	starts = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "dormouse_operator_start_seconds", Help: "From when a pod was first seen to its publication.",
		Buckets: []float64{.05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2},
	})
)

func init() { metrics.Registry.MustRegister(steps, starts) }
