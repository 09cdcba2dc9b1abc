package session

import (
	"github.com/prometheus/client_golang/prometheus"
	"sigs.k8s.io/controller-runtime/pkg/metrics"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

var (
	steps = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dormouse_operator_steps_total", Help: "Steps of all sessions, by what was done.",
	}, []string{"verb"})
	starts = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "dormouse_operator_start_seconds", Help: "From when a pod was first seen to its publication.",
		Buckets: []float64{.05, .1, .2, .4, .8, 1.6, 3.2, 6.4, 12.8, 25.6, 51.2},
	})
	failures = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dormouse_operator_failures_total", Help: "Sessions that became Failed, by the reason of their condition Ready.",
	}, []string{"reason"})
	ends = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dormouse_operator_pod_ends_total",
		Help: "Pods that ended, by what that was: Slept, Completed, Failed, RestartsLater, or Ended: of itself, and the session goes on.",
	}, []string{"end"})
	takenBack = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "dormouse_operator_sleeps_taken_back_total", Help: "Sleeps that a touch took back: the same pod was published again.",
	})
	saveFailures = prometheus.NewCounter(prometheus.CounterOpts{
		Name: "dormouse_operator_save_failures_total", Help: "Saves that failed and were tried again.",
	})
)

func init() {
	for _, end := range []string{slept, string(lifecycle.Completed), string(lifecycle.Failed), v1alpha1.EventEnded} {
		ends.WithLabelValues(end)
	}
	metrics.Registry.MustRegister(Collectors()...)
}

// Collectors are what the turns of sessions are counted in. They are registered already.
func Collectors() []prometheus.Collector {
	return []prometheus.Collector{steps, starts, failures, ends, takenBack, saveFailures}
}

// NewQueueLength measures how many sessions wait for a limit.
func NewQueueLength(waiting func() int) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "dormouse_operator_queued_sessions", Help: "Sessions that wait for a limit of those that are awake, or that start.",
	}, func() float64 { return float64(waiting()) })
}

// count counts a step that was taken.
func count(w *world, step lifecycle.Step) {
	steps.WithLabelValues(string(step.Verb)).Inc()
	ended := step.Verb == lifecycle.Record || step.Verb == lifecycle.Fail
	if ended && step.Phase == lifecycle.Failed {
		failures.WithLabelValues(string(step.Reason)).Inc()
	}
	switch {
	case step.Verb == lifecycle.Record:
		ends.WithLabelValues(endOf(w, step)).Inc()
	case step.Verb == lifecycle.Publish && w.session.Status.Pod != nil && w.session.Status.Drain != nil:
		takenBack.Inc()
	case callsHook(step) && w.saved.Err != nil:
		saveFailures.Inc()
	}
}

// endOf is what the end of a pod was to its session.
func endOf(w *world, step lifecycle.Step) string {
	switch {
	case w.session.Status.Phase == v1alpha1.PhaseStopping:
		return slept
	case step.Phase == lifecycle.Completed, step.Phase == lifecycle.Failed:
		return string(step.Phase)
	case step.Reason == lifecycle.ReasonRestartsLater:
		return string(step.Reason)
	}
	return v1alpha1.EventEnded
}
