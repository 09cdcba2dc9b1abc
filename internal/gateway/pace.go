package gateway

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// pace cuts off a client that makes no progress for Stall, in what it sends or in what it takes. A client that waits, or an
// application that is slow, is not cut off.
func (g *Gateway) pace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clock := &progress{control: http.NewResponseController(w), stall: g.Stall, now: g.Now}
		clock.taking(false) // of the request before this one
		body := &pacedBody{ReadCloser: r.Body, clock: clock}
		if r.ContentLength != 0 {
			r.Body = body
		}
		paced := &pacedWriter{ResponseWriter: w, clock: clock}
		next.ServeHTTP(paced, r)
		if paced.hijacked {
			return
		}
		clock.finishing(r.ContentLength != 0 && !body.ended.Load())
	})
}

// progress moves the deadlines of a client's connection. What has no deadlines (a recorder) has no clients.
type progress struct {
	control *http.ResponseController
	stall   time.Duration
	now     func() time.Time
}

// sending says whether the client has to send something now.
func (p *progress) sending(on bool) { _ = p.control.SetReadDeadline(p.deadline(on)) }

// taking says whether the client has to take something now.
func (p *progress) taking(on bool) { _ = p.control.SetWriteDeadline(p.deadline(on)) }

// finishing leaves to net/http what is left: a part of the body, which it reads first, and the end of the answer.
func (p *progress) finishing(body bool) {
	end := p.now().Add(p.stall)
	if body {
		_ = p.control.SetReadDeadline(end)
	}
	_ = p.control.SetWriteDeadline(end.Add(p.stall))
}

func (p *progress) deadline(on bool) time.Time {
	if !on {
		return time.Time{}
	}
	return p.now().Add(p.stall)
}

// pacedBody is a body of which each part has to come in time.
type pacedBody struct {
	io.ReadCloser
	clock *progress
	ended atomic.Bool // the reader may outlive the request
}

// Read takes the deadline away with the end: net/http goes on reading, to see whether the client leaves.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.ended.Load() {
		return b.ReadCloser.Read(p)
	}
	b.clock.sending(true)
	n, err := b.ReadCloser.Read(p)
	if errors.Is(err, io.EOF) {
		b.ended.Store(true)
		b.clock.sending(false)
	}
	return n, err
}

// pacedWriter is an answer of which each part has to be taken in time.
type pacedWriter struct {
	http.ResponseWriter
	clock    *progress
	hijacked bool // the connection is another's
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack gives the connection away, and its deadlines with it.
func (w *pacedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// WriteHeader may write.
func (w *pacedWriter) WriteHeader(status int) {
	w.clock.taking(true)
	w.ResponseWriter.WriteHeader(status)
}

// Write may write.
func (w *pacedWriter) Write(p []byte) (int, error) {
	w.clock.taking(true)
	return w.ResponseWriter.Write(p)
}
