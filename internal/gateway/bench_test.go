package gateway_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// BenchmarkHit is a request for a session that is awake, from the handler to a pod on this machine and back.
func BenchmarkHit(b *testing.B) {
	w := newWorld(b, chess())
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
