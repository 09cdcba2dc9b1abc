package gateway

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// Metrics are what a gateway counts. None has a label per key.
type Metrics struct {
	requests *prometheus.CounterVec
	passed   [len(classes)]prometheus.Counter // those of it without a reason, by class, of the classes that most answers are
	held     prometheus.Gauge
	wakes    *prometheus.HistogramVec
	dials    *prometheus.CounterVec
	resends  prometheus.Counter

	panics   prometheus.Counter
	garbled  *prometheus.CounterVec
	phases   *prometheus.HistogramVec
	refusals *prometheus.CounterVec
	raw      rawMetrics

	connectionMetrics
}

// NewMetrics makes the metrics and registers them. It panics if they are registered already.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dormouse_gateway_requests_total",
			Help: "Requests that were answered, by class of status code and, where the gateway answered itself, by its reason. ClientGone: the client did not wait.",
		}, []string{"code", "reason"}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dormouse_gateway_held_requests",
			Help: "Requests that wait for a session to wake.",
		}),
		wakes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "dormouse_gateway_wake_duration_seconds",
			Help:    "How long requests waited for a session to wake, by what came of it: Awake, ClientGone or the reason of the refusal.",
			Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
		}, []string{"outcome"}),
		dials: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dormouse_gateway_dials_total",
			Help: "Attempts to open a connection to a pod. Those to a pod that starts are refused until its port opens.",
		}, []string{"result"}),
		resends: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_resends_total",
			Help: "Requests that were sent again because no pod had got one byte of them.",
		}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "dormouse_gateway_panics_total",
			Help: "Requests that hit a fault of the gateway.",
		}),
		garbled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dormouse_gateway_ignored_headers_total",
			Help: "Headers of pods that say what is no duration or outside the bounds, by header.",
		}, []string{"header"}),
		phases:   newPhases(),
		refusals: newRefusals(),
	}
	r.MustRegister(m.requests, m.held, m.wakes, m.dials, m.resends, m.panics, m.garbled, m.phases, m.refusals)
	for c := 2; c < len(classes); c++ {
		m.passed[c] = m.requests.WithLabelValues(classes[c], "")
	}
	m.connectionMetrics = newConnectionMetrics(r)
	m.raw = newRawMetrics(r)
	return m
}

func (m *Metrics) answered(code int, reason string) {
	if c := code / 100; reason == "" && c < len(m.passed) && m.passed[c] != nil {
		m.passed[c].Inc()
		return
	}
	m.requests.WithLabelValues(class(code), reason).Inc()
}

// classes are the values of the label code: an application may answer with any of 900 codes.
var classes = [...]string{"", "1xx", "2xx", "3xx", "4xx", "5xx"}

func class(code int) string {
	if c := code / 100; c > 0 && c < len(classes) {
		return classes[c]
	}
	return "other"
}

// newPhases are of wakes, not of requests: however many wait, each phase is counted once.
func newPhases() *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name:    "dormouse_gateway_wake_phase_duration_seconds",
		Help:    "How long each phase of a wake took: touch, pod, dial, first_byte. By what came of it: Done, ClientGone or the reason why the wake ended in it.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300},
	}, []string{"phase", "outcome"})
}

func newRefusals() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "dormouse_gateway_refusals_total",
		Help: "Requests that were refused because of a limit, by its name.",
	}, []string{"limit"})
}

// refused counts an answer of the gateway itself that names a limit.
func (m *Metrics) refused(err error) {
	var p *answer.Problem
	if errors.As(err, &p) && p.Limit != "" {
		m.refusals.WithLabelValues(p.Limit).Inc()
	}
}

func (m *Metrics) dialled(err error) {
	result := "opened"
	if err != nil {
		result = "failed"
	}
	m.dials.WithLabelValues(result).Inc()
}

func (m *Metrics) woken(waited time.Duration, err error) {
	m.wakes.WithLabelValues(outcome(err)).Observe(waited.Seconds())
}

func outcome(err error) string {
	var p *answer.Problem
	switch {
	case err == nil:
		return "Awake"
	case errors.Is(err, answer.ErrClientGone):
		return reasonClientGone
	case errors.As(err, &p):
		return string(p.Reason)
	}
	return string(answer.ReasonInternal)
}
