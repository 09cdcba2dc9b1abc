package gateway

import (
	"net/http"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

const (
	// WellKnown is the part of every host that is the gateway's own.
	WellKnown = "/.well-known/dormouse/"
	// HealthPath says 200 while the gateway takes requests, and 503 when it is about to end.
	HealthPath = WellKnown + "healthz"
	// ProgressPath tells a page that waits how the session of a request comes on, as server-sent events. Its query is that of
	// a page: of=, with the path and the query of the request.
	ProgressPath = WellKnown + "v1/progress"
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
			g.health(w, r)
		case r.URL.Path == ProgressPath && r.Method == http.MethodGet:
			g.progress(w, r)
		case g.API != nil && strings.HasPrefix(r.URL.Path, APIPath):
			g.API.ServeHTTP(w, r)
		default:
			g.answer(w, r, &answer.Problem{Reason: answer.ReasonNoRoute})
		}
	})
}

func (g *Gateway) health(w http.ResponseWriter, r *http.Request) {
	if g.draining.Load() {
		g.answer(w, r, &answer.Problem{Reason: answer.ReasonUnavailable, Detail: "the gateway is about to end"})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n"))
}
