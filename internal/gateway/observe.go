package gateway

import (
	"bufio"
	"net"
	"net/http"
	"runtime/debug"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// What the log says of a client that did not wait for its answer. Nobody is sent it.
const (
	statusClientGone = 499
	reasonClientGone = "ClientGone"
)

// observed is a ResponseWriter that remembers what the client got.
type observed struct {
	http.ResponseWriter
	code   int // zero: nothing yet
	bytes  int64
	reason string
	entry  entry
}

// Unwrap is for http.ResponseController.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// WriteHeader remembers the status, but not those that come before the answer.
func (o *observed) WriteHeader(status int) {
	if o.code == 0 && status >= http.StatusOK {
		o.code = status
		o.reason = o.Header().Get(answer.HeaderReason)
	}
	o.ResponseWriter.WriteHeader(status)
}

// Write counts.
func (o *observed) Write(p []byte) (int, error) {
	if o.code == 0 {
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
		o.code = http.StatusSwitchingProtocols
	}
	return conn, buffered, err
}

// observe writes the access log and counts requests.
func (g *Gateway) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := &observed{ResponseWriter: w}
		o.entry.answer = o
		if r.ContentLength != 0 {
			r.Body = &countedBody{r.Body, &o.entry.in}
		}
		began := g.Now()
		defer func() {
			if o.code == 0 {
				o.reason = reasonClientGone
			}
			g.Metrics.answered(o.entry.status(), o.reason)
			g.logAccess(r, &o.entry, g.Now().Sub(began))
		}()
		next.ServeHTTP(o, r)
	})
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
			if o, ok := w.(*observed); ok && o.code != 0 {
				panic(http.ErrAbortHandler)
			}
			g.answer(w, r, &answer.Problem{Reason: answer.ReasonInternal, Outcome: answer.OutcomeUnknown})
		}()
		next.ServeHTTP(w, r)
	})
}
