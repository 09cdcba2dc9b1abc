package gateway

import (
	"net/http"
	"strings"
)

const (
	// WellKnown is the part of every host that is the gateway's own.
	WellKnown = "/.well-known/dormouse/"
	// HealthPath says 200 while the gateway takes requests, and 503 when it is about to end.
	HealthPath = WellKnown + "healthz"
	// APIPath is before everything that Gateway.API answers.
	APIPath = WellKnown + "v1/"
)

// wellKnown answers what is the gateway's own on the data port. All else is for sessions.
func (g *Gateway) wellKnown(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !strings.HasPrefix(r.URL.Path, WellKnown):
			next.ServeHTTP(w, r)
		case r.URL.Path == HealthPath:
			g.health(w)
		case g.API != nil && strings.HasPrefix(r.URL.Path, APIPath):
			g.pace(g.API).ServeHTTP(w, r)
		default:
			answer(w, &Problem{Reason: ReasonNoRoute})
		}
	})
}

func (g *Gateway) health(w http.ResponseWriter) {
	if g.draining.Load() {
		answer(w, &Problem{Reason: ReasonUnavailable, Detail: "the gateway is about to end"})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}
