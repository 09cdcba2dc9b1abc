package gateway

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/grpc"
)

// pace cuts off a client that makes no progress: that is waited for Stall, in which it sends or takes less than MinRate wants.
// Only the time counts in which the gateway waits for it: a client that waits, or an application that is slow, is not cut off.
func (g *Gateway) pace(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p := &paced{}
		p.clock.begin(w, r, g)
		defer p.clock.end()
		p.body.ReadCloser, p.body.clock = r.Body, &p.clock
		if r.ContentLength != 0 {
			r.Body = &p.body
		}
		p.writer.ResponseWriter, p.writer.clock, p.writer.body = w, &p.clock, &p.body
		next.ServeHTTP(&p.writer, r)
		if p.writer.hijacked {
			return
		}
		p.clock.finishing(r.ContentLength != 0 && !p.body.ended.Load())
	})
}

// paced is what a request has for that.
type paced struct {
	clock  progress
	body   pacedBody
	writer pacedWriter
}

// share is how many bytes a client must move while it is waited for Stall.
func (g *Gateway) share() int64 {
	if g.MinRate < 0 {
		return 1
	}
	return max(1, int64(g.Stall.Seconds()*float64(g.MinRate)))
}

// progress moves the deadlines of a client's connection. What has no deadlines (a recorder) has no clients.
type progress struct {
	control http.ResponseController
	stall   time.Duration
	share   int64
	now     func() time.Time
	stream  *stream // of HTTP/2, where any byte will do: it may live long on few; nil: the connection is the client's alone

	in, out window    // of one reader and one writer at a time
	wrote   time.Time // when the client had to take something last
	// net/http takes what is left of a body for the next request, if its read was ended
	losesTrack bool
	asks       bool // the next read asks for the body, with a 100-continue that the client has to take

	mu     sync.Mutex // the reader may outlive the request
	over   bool       // the request: its writer must not be used any more
	duplex bool       // client and application talk as they like: a client that says nothing is not slow
}

// window is how long a client may still be waited for, and what it has moved since that was Stall.
type window struct {
	left  time.Duration
	moved int64
}

func (p *progress) begin(w http.ResponseWriter, r *http.Request, g *Gateway) {
	p.control = *http.NewResponseController(w)
	p.stall, p.share, p.now = g.Stall, g.share(), g.Now
	p.in, p.out = window{left: g.Stall}, window{left: g.Stall}
	if r.ProtoMajor > 1 {
		p.stream = newStream(p)
		p.duplex = grpc.Asked(r) && !strings.HasPrefix(r.URL.Path, WellKnown) // where nothing speaks gRPC
		return
	}
	p.duplex = r.ContentLength == 0
	if !p.duplex {
		_ = p.control.SetWriteDeadline(time.Time{}) // of the request before this one: a 100-continue may come before the answer
		p.asks = r.Header["Expect"] != nil
		p.losesTrack = r.Context().Value(http.ServerContextKey) != nil
	}
	if r.ContentLength < 0 {
		_ = p.control.EnableFullDuplex() // else net/http reads all of a body before it writes an answer
	}
}

// spend notes that a client was waited for since then, and what it moved. With its share it has its time again. The zero time
// is one in which no client was waited for.
func (p *progress) spend(w *window, since time.Time, n int) {
	if since.IsZero() {
		return
	}
	w.left -= p.now().Sub(since)
	w.moved += int64(n)
	if w.moved >= p.share {
		*w = window{left: p.stall}
	}
}

// sending says that the client has to send something now, and since when that is; zero: it need not, or has a timer.
func (p *progress) sending() (since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.over:
	case p.duplex:
		p.sent()
	case p.stream != nil:
		p.stream.sending(true)
	default:
		since = p.now()
		_ = p.control.SetReadDeadline(since.Add(p.in.left))
		if p.asks {
			p.asks = false
			_ = p.control.SetWriteDeadline(since.Add(p.in.left))
		}
	}
	return since
}

// sent says that the client has nothing to send for now.
func (p *progress) sent() {
	switch {
	case p.over:
	case p.stream != nil:
		p.stream.sending(false)
	default:
		_ = p.control.SetReadDeadline(time.Time{})
	}
}

// answering is called when the answer begins: what the client sends now, it sends to an application that knows its pace.
func (p *progress) answering() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.duplex {
		p.duplex = true
		p.sent()
	}
}

// end is called when the request is over. Its reader may still be there.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
}

// taking says that the client has to take something now, and since when that is; zero: it has a timer.
func (p *progress) taking() (since time.Time) {
	if p.stream != nil {
		p.stream.taking(true)
		return since
	}
	since = p.now()
	_ = p.control.SetWriteDeadline(since.Add(p.out.left))
	p.wrote = since
	return since
}

// taken is called after the client took so many bytes of what it had to take since then.
func (p *progress) taken(since time.Time, n int) {
	if p.stream != nil {
		p.stream.taking(false)
	}
	p.spend(&p.out, since, n)
}

// finishing leaves to net/http what is left: a part of the body, which it reads first, and the end of the answer.
func (p *progress) finishing(body bool) {
	now := p.now()
	if !body && p.out.left == p.stall && now.Sub(p.wrote) < p.stall/8 {
		return // the last deadline will do
	}
	end := now.Add(p.stall)
	if body {
		_ = p.control.SetReadDeadline(end)
	}
	_ = p.control.SetWriteDeadline(end.Add(p.stall))
}

// pacedBody is a body that has to come in time.
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
	since := b.clock.sending()
	n, err := b.ReadCloser.Read(p)
	b.clock.spend(&b.clock.in, since, n)
	if ended := errors.Is(err, io.EOF); ended || b.clock.stream != nil {
		b.ended.Store(ended)
		b.clock.mu.Lock()
		defer b.clock.mu.Unlock()
		b.clock.sent()
	}
	return n, err
}

// pacedWriter is an answer that has to be taken in time.
type pacedWriter struct {
	http.ResponseWriter
	clock    *progress
	body     *pacedBody
	hijacked bool // the connection is another's
}

// Unwrap is for http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack gives the connection away, and its deadlines with it.
func (w *pacedWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	w.hijacked = true
	return http.NewResponseController(w.ResponseWriter).Hijack()
}

// WriteHeader writes what comes before the answer. The head of the answer goes with what follows.
func (w *pacedWriter) WriteHeader(status int) {
	if status >= http.StatusOK {
		w.clock.answering()
		if w.clock.losesTrack && !w.body.ended.Load() {
			w.Header().Set("Connection", "close")
		}
		w.ResponseWriter.WriteHeader(status)
		return
	}
	w.clock.taking()
	w.ResponseWriter.WriteHeader(status)
	w.clock.taken(time.Time{}, 0)
}

// Write may write.
func (w *pacedWriter) Write(p []byte) (int, error) {
	since := w.clock.taking()
	n, err := w.ResponseWriter.Write(p)
	w.clock.taken(since, n)
	return n, err
}

// FlushError writes what Write has kept, and counted: no more bytes, but the time that they take.
func (w *pacedWriter) FlushError() error {
	since := w.clock.taking()
	defer w.clock.taken(since, 0)
	return w.clock.control.Flush()
}
