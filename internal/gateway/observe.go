package gateway

import (
	"bufio"
	"context"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"
)

// statusClientGone is what the log says of a client that did not wait for its answer. Nobody is sent it.
const statusClientGone = 499

// observed is a ResponseWriter that remembers what the client got.
type observed struct {
	http.ResponseWriter
	status int
	bytes  int64
	reason string
}

// Unwrap is for http.ResponseController.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// WriteHeader remembers the status, but not those that come before the answer.
func (o *observed) WriteHeader(status int) {
	if o.status == 0 && status >= http.StatusOK {
		o.status = status
		o.reason = o.Header().Get(headerReason)
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (o *observed) Write(p []byte) (int, error) {
	if o.status == 0 {
		o.WriteHeader(http.StatusOK)
	}
	n, err := o.ResponseWriter.Write(p)
	o.bytes += int64(n)
	return n, err
}

// Hijack is what happens for an upgrade, whose status nobody else tells.
func (o *observed) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(o.ResponseWriter).Hijack()
	if err == nil {
		o.status = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}

// observe writes the access log and counts requests.
func (g *Gateway) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := &observed{ResponseWriter: w}
		began := g.Now()
		defer func() {
			if o.status == 0 {
				o.status = statusClientGone
			}
			g.Metrics.answered(o.status, o.reason)
			g.logAccess(r, o, g.Now().Sub(began))
		}()
		next.ServeHTTP(o, r)
	})
}

// logAccess has no query: there may be secrets in it.
func (g *Gateway) logAccess(r *http.Request, o *observed, took time.Duration) {
	g.Log.LogAttrs(context.Background(), slog.LevelInfo, "request",
		slog.String("method", r.Method),
		slog.String("host", r.Host),
		slog.String("path", r.URL.Path),
		slog.String("client", r.RemoteAddr),
		slog.Int("status", o.status),
		slog.String("reason", o.reason),
		slog.Int64("bytes", o.bytes),
		slog.Duration("took", took),
	)
}

// guard makes a panic an answer. Where an answer has begun, the connection is cut instead, so that no client takes a part for
// the whole.
func (g *Gateway) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			fault := recover()
			if fault == nil {
				return
			}
			if fault == http.ErrAbortHandler { //nolint:errorlint,err113 // the value that net/http compares too
				panic(fault)
			}
			g.Metrics.panics.Inc()
			g.Log.Error("panic", "fault", fault, "stack", string(debug.Stack()))
			if o, ok := w.(*observed); ok && o.status != 0 {
				panic(http.ErrAbortHandler)
			}
			g.answer(w, r, &Problem{Reason: ReasonInternal, Outcome: OutcomeUnknown})
		}()
		next.ServeHTTP(w, r)
	})
}
