package gateway

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"
)

// pace cuts off a client that makes no progress: that is waited for Stall, in which it sends or takes less than MinRate wants.
// Only the time counts in which the gateway waits for it: a client that waits, or an application that is slow, is not cut off.
func (g *Gateway) pace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		clock := &progress{control: http.NewResponseController(w), stall: g.Stall, share: g.share(r), now: g.Now}
		clock.rests() // of the request before this one
		body := &pacedBody{ReadCloser: r.Body, clock: clock, window: window{left: g.Stall}}
		if r.ContentLength != 0 {
			r.Body = body
		}
		next.ServeHTTP(&pacedWriter{ResponseWriter: w, clock: clock, window: window{left: g.Stall}}, r)
		clock.finishing(r.ContentLength != 0 && !body.ended.Load())
	})
}

// share is how many bytes a client must move while it is waited for Stall. A stream of HTTP/2 has no connection for itself, and
// may live long on few bytes: there, any will do.
func (g *Gateway) share(r *http.Request) int64 {
	if r.ProtoMajor > 1 || g.MinRate < 0 {
		return 1
	}
	return max(1, int64(g.Stall.Seconds()*float64(g.MinRate)))
}

// progress moves the deadlines of a client's connection. What has no deadlines (a recorder) has no clients.
type progress struct {
	control *http.ResponseController
	stall   time.Duration
	share   int64
	now     func() time.Time
}

// window is how long a client may still be waited for, and what it has moved since that was Stall.
type window struct {
	left  time.Duration
	moved int64
}

// spend notes that a client was waited for, and what it moved. With its share it has its time again.
func (p *progress) spend(w *window, since time.Time, n int) {
	w.left -= p.now().Sub(since)
	w.moved += int64(n)
	if w.moved >= p.share {
		*w = window{left: p.stall}
	}
}

// sending says that the client has to send something now, and since when that is.
func (p *progress) sending(w *window) time.Time {
	now := p.now()
	_ = p.control.SetReadDeadline(now.Add(w.left))
	return now
}

// sent says that the client has sent all.
func (p *progress) sent() { _ = p.control.SetReadDeadline(time.Time{}) }

// takes says that the client has to take something now, and since when that is.
func (p *progress) takes(w *window) time.Time {
	now := p.now()
	_ = p.control.SetWriteDeadline(now.Add(w.left))
	return now
}

// rests says that the client has nothing to take.
func (p *progress) rests() { _ = p.control.SetWriteDeadline(time.Time{}) }

// finishing leaves to net/http what is left: a part of the body, which it reads first, and the end of the answer.
func (p *progress) finishing(body bool) {
	end := p.now().Add(p.stall)
	if body {
		_ = p.control.SetReadDeadline(end)
	}
	_ = p.control.SetWriteDeadline(end.Add(p.stall))
}

// pacedBody is a body that has to come in time.
type pacedBody struct {
	io.ReadCloser
	clock  *progress
	window window      // of one reader at a time
	ended  atomic.Bool // the reader may outlive the request
}

// Read takes the deadline away with the end: net/http goes on reading, to see whether the client leaves.
func (b *pacedBody) Read(p []byte) (int, error) {
	if b.ended.Load() {
		return b.ReadCloser.Read(p)
	}
	since := b.clock.sending(&b.window)
	n, err := b.ReadCloser.Read(p)
	b.clock.spend(&b.window, since, n)
	if errors.Is(err, io.EOF) {
		b.ended.Store(true)
		b.clock.sent()
	}
	return n, err
}

// pacedWriter is an answer that has to be taken in time.
type pacedWriter struct {
	http.ResponseWriter
	clock  *progress
	window window // of one writer at a time
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader may write.
func (w *pacedWriter) WriteHeader(status int) {
	w.clock.takes(&w.window)
	w.ResponseWriter.WriteHeader(status)
}

// Write may write.
func (w *pacedWriter) Write(p []byte) (int, error) {
	since := w.clock.takes(&w.window)
	n, err := w.ResponseWriter.Write(p)
	w.clock.spend(&w.window, since, n)
	return n, err
}

// FlushError writes what Write has kept, and counted: no more bytes, but the time that they take.
func (w *pacedWriter) FlushError() error {
	since := w.clock.takes(&w.window)
	err := http.NewResponseController(w.ResponseWriter).Flush()
	w.clock.spend(&w.window, since, 0)
	return err
}
