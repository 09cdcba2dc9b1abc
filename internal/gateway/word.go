package gateway

import (
	"net/http"
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// Headers of a pod's answer.
const (
	headerIdleAfter = "Session-Idle-After"
	headerBusy      = "Session-Busy"
)

// Bounds of what they say.
const (
	// leastIdleAfter is the least idle time but zero: that of a template.
	leastIdleAfter = time.Second
	mostIdleAfter  = 720 * time.Hour
	mostBusy       = 24 * time.Hour
)

// hear takes out of an answer what the workload says of how long it stays awake, and passes it on.
func (x *exchange) hear(h http.Header) {
	idle, busy := h[headerIdleAfter], h[headerBusy]
	if idle == nil && busy == nil {
		return
	}
	delete(h, headerIdleAfter)
	delete(h, headerBusy)
	w := directory.Word{IdleAfter: x.duration(headerIdleAfter, idle, mostIdleAfter), Busy: x.duration(headerBusy, busy, mostBusy)}
	if w.IdleAfter != nil && *w.IdleAfter > 0 {
		*w.IdleAfter = max(*w.IdleAfter, leastIdleAfter)
	}
	x.seat.visit.Says(w)
}

// duration is what a header says; nil: nothing, or nothing that can be understood.
func (x *exchange) duration(header string, values []string, most time.Duration) *time.Duration {
	if len(values) == 0 {
		return nil
	}
	if d, ok := parseDuration(values[0]); ok && len(values) == 1 && d >= 0 && d <= most {
		return &d
	}
	g, t := x.gateway, x.target
	g.Metrics.garbled.WithLabelValues(header).Inc()
	if _, known := g.garbled.LoadOrStore(t.Namespace+"/"+t.Name, true); !known {
		g.Log.Warn("header of a pod ignored; others of this template will not be logged", "namespace", t.Namespace, "template", t.Name,
			"header", header, "value", values[0][:min(len(values[0]), 64)], "most", most.String())
	}
	return nil
}

// parseDuration takes a Go duration, or a number of seconds.
func parseDuration(s string) (time.Duration, bool) {
	if _, err := strconv.ParseUint(s, 10, 64); err == nil {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}
