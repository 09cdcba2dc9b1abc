package gateway_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// BenchmarkHit is a request for a session that is awake, from the handler to a pod on this machine and back.
func BenchmarkHit(b *testing.B) { hit(b) }

// BenchmarkHitLogged is that with the access log.
func BenchmarkHitLogged(b *testing.B) {
	hit(b, func(g *gateway.Gateway, _ *gateway.Server) { g.Log = slog.New(slog.NewJSONHandler(io.Discard, nil)) })
}

// BenchmarkHitTraced is that with a span for each request, which nobody is sent.
func BenchmarkHitTraced(b *testing.B) {
	hit(b, func(g *gateway.Gateway, _ *gateway.Server) { g.Tracer = sdktrace.NewTracerProvider().Tracer("test") })
}

func hit(b *testing.B, change ...func(*gateway.Gateway, *gateway.Server)) {
	w := newWorld(b, chess(), change...)
	w.publish("a", "pod-a", newPod(b, func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "move") }), 1)
	h := w.gateway.Handler()
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	r.Host = "a.chess.test"
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code != http.StatusOK {
			b.Fatal(rec.Code, rec.Body)
		}
	}
}

// BenchmarkResolve is the part of it that finds the session.
func BenchmarkResolve(b *testing.B) {
	w := newWorld(b, chess())
	r := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", nil)
	r.Host = "a.chess.test"
	b.ReportAllocs()
	for b.Loop() {
		if _, err := w.gateway.Table.Resolve(r); err != nil {
			b.Fatal(err)
		}
	}
}
