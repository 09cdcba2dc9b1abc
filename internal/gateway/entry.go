package gateway

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// shortUID is how many characters of a pod's UID the log has.
const shortUID = 8

// entry is what the access log says of a request. The steps of the road fill it in, as far as they come.
type entry struct {
	answer *observed
	target *resolve.Target // nil: none was found
	pod    string          // UID of the last that the request went to
	epoch  int64
	waited time.Duration
	trace  trace.SpanContext
	in     atomic.Int64 // bytes of the client: the reader of a body may outlive the request
}

// entryOf is the entry of the request that w answers. One that is not logged has an entry that nobody reads.
func entryOf(w http.ResponseWriter) *entry {
	for {
		switch u := w.(type) {
		case *observed:
			return &u.entry
		case interface{ Unwrap() http.ResponseWriter }:
			w = u.Unwrap()
		default:
			return &(&observed{}).entry
		}
	}
}

// sits notes where the request goes.
func (e *entry) sits(s seat) {
	e.pod, e.epoch = s.visit.Pod().UID, s.visit.Epoch()
}

// status is what the client got; 499 if it did not wait for it.
func (e *entry) status() int {
	if e.answer.code == 0 {
		return statusClientGone
	}
	return e.answer.code
}

// countedBody counts what the client sends.
type countedBody struct {
	io.ReadCloser
	in *atomic.Int64
}

// Read counts.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.in.Add(int64(n))
	return n, err
}

// logAccess has no query: there may be secrets in it. Host and path hold the key, and what an application has in its paths
// nobody knows, so the route stands for them.
func (g *Gateway) logAccess(r *http.Request, e *entry, took time.Duration) {
	if !g.Log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 20),
		slog.String("method", r.Method),
		slog.String("protocol", r.Proto),
		slog.String("client", front.AddressOf(r)),
		slog.Int("status", e.status()),
		slog.String("reason", e.answer.reason),
		slog.Int64("bytesIn", e.in.Load()),
		slog.Int64("bytesOut", e.answer.bytes),
		slog.Duration("took", took),
	)
	if e.target != nil {
		attrs = append(attrs,
			slog.String("route", e.target.Route.String()),
			slog.String("template", e.target.Namespace+"/"+e.target.Name),
			slog.String("session", g.Names.Of(e.target.ID)),
			slog.Duration("waited", e.waited),
		)
		if g.Names.Plain {
			attrs = append(attrs, slog.String("key", e.target.Key))
		}
	}
	if e.pod != "" {
		attrs = append(attrs, slog.String("pod", e.pod[:min(len(e.pod), shortUID)]), slog.Int64("epoch", e.epoch))
	}
	if e.trace.IsValid() {
		attrs = append(attrs, slog.String("trace", e.trace.TraceID().String()))
	}
	if g.Names.Plain {
		attrs = append(attrs, slog.String("host", r.Host), slog.String("path", r.URL.Path))
	}
	g.Log.LogAttrs(context.Background(), slog.LevelInfo, "request", attrs...)
}
