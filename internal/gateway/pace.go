package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// pace cuts off a client that makes no progress for Stall, in what it sends or in what it takes. A client that waits, or an
// application that is slow, is not cut off.
func (g *Gateway) pace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clock := newProgress(w, r, g)
		defer clock.end()
		body := &pacedBody{ReadCloser: r.Body, clock: clock}
		if r.ContentLength != 0 {
			r.Body = body
		}
		next.ServeHTTP(&pacedWriter{ResponseWriter: w, clock: clock}, r)
		clock.finishing(r.ContentLength != 0 && !body.ended.Load())
	})
}

// progress moves the deadlines of a client's connection. What has no deadlines (a recorder) has no clients.
type progress struct {
	control *http.ResponseController
	stall   time.Duration
	now     func() time.Time
	stream  *stream // of HTTP/2; nil: the connection is the client's alone

	mu     sync.Mutex // the reader may outlive the request
	over   bool       // the request: its writer must not be used any more
	duplex bool       // client and application talk as they like: a client that says nothing is not slow
}

func newProgress(w http.ResponseWriter, r *http.Request, g *Gateway) *progress {
	p := &progress{control: http.NewResponseController(w), stall: g.Stall, now: g.Now}
	if r.ProtoMajor > 1 {
		p.stream = newStream(p)
		p.duplex = isGRPC(r)
		return p
	}
	p.taking(false) // of the request before this one
	if r.ContentLength < 0 {
		_ = p.control.EnableFullDuplex() // else net/http reads all of a body before it writes an answer
	}
	return p
}

// sending says whether the client has to send something now.
func (p *progress) sending(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.send(on && !p.duplex)
}

func (p *progress) send(on bool) {
	if p.over {
		return
	}
	if p.stream != nil {
		p.stream.sending(on)
		return
	}
	_ = p.control.SetReadDeadline(p.deadline(on))
}

// answering is called when the answer begins: what the client sends now, it sends to an application that knows its pace.
func (p *progress) answering() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.duplex {
		p.duplex = true
		p.send(false)
	}
}

// end is called when the request is over. Its reader may still be there.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

// taking says whether the client has to take something now.
func (p *progress) taking(on bool) {
	if p.stream != nil {
		p.stream.taking(on)
		return
	}
	_ = p.control.SetWriteDeadline(p.deadline(on))
}

// taken is called after something was taken.
func (p *progress) taken() {
	if p.stream != nil {
		p.stream.taking(false)
	}
}

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
	if ended := errors.Is(err, io.EOF); ended || b.clock.stream != nil {
		b.ended.Store(ended)
		b.clock.sending(false)
	}
	return n, err
}

// pacedWriter is an answer of which each part has to be taken in time.
type pacedWriter struct {
	http.ResponseWriter
	clock *progress
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader may write.
func (w *pacedWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.clock.answering()
	}
	w.clock.taking(true)
	w.ResponseWriter.WriteHeader(status)
	w.clock.taken()
}

// Write may write.
func (w *pacedWriter) Write(p []byte) (int, error) {
	w.clock.taking(true)
	defer w.clock.taken()
	return w.ResponseWriter.Write(p)
}

// FlushError writes what is left.
func (w *pacedWriter) FlushError() error {
	w.clock.taking(true)
	defer w.clock.taken()
	return w.clock.control.Flush()
}
