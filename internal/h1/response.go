package h1

import (
	"net"
	"net/http"
	"strconv"
	"sync"
)

const (
	// outSize is what an answer is written through.
	outSize = 4 << 10
	// stageSize is how much of an answer without a length is kept until it is known whether it ends there.
	stageSize = 2 << 10
)

var outPool = sync.Pool{New: func() any { return new([outSize]byte) }}

// turn is one request on a connection, and its answer. It is the http.ResponseWriter of its handler, and not used again.
type turn struct {
	conn   *serverConn
	req    arrived
	ctx    lazyContext
	header http.Header
	body   body

	status  int    // zero: no head yet
	length  int64  // of the answer; -1: not known
	left    int64  // of a length that is known, to be written
	stage   []byte // of an answer without a length
	trailer []string
	coded   bool // chunked
	bodied  bool // the answer has a body
	begun   bool // its head is in out, whole
	closes  bool
	out     []byte
	failed  error

	reading  sync.Mutex // who holds it reads the body
	mu       sync.Mutex // of what a reader of the body, which may be another goroutine, has in common with the handler
	watcher  watcher
	finished bool
	hijacked bool
	stopped  bool // nobody is to read the body any more
	awaited  bool // the client waits for 100-continue
	ended    bool // the body was read whole
	timed    bool // the handler has set the deadline of the reader
}

// Header is that of the answer.
func (t *turn) Header() http.Header {
	if t.header == nil {
		t.header = http.Header{}
	}
	return t.header
}

// Adopt makes a header that of the answer, which has none yet: one of which nobody else has hold needs not be copied.
func (t *turn) Adopt(h http.Header) bool {
	if len(t.header) > 0 || t.status != 0 {
		return false
	}
	t.header = h
	return true
}

// WriteHeader begins the answer, or sends one that comes before it.
func (t *turn) WriteHeader(status int) {
	if t.status != 0 || t.isHijacked() {
		return
	}
	if status < 100 || status > 999 {
		panic("h1: status " + strconv.Itoa(status))
	}
	if status < 200 {
		t.inform(status)
		return
	}
	t.mu.Lock()
	t.status = status
	if t.awaited { // it gets no 100-continue any more, and may send its body or not
		t.closes = true
	}
	t.mu.Unlock()
	t.beginHead()
}

// inform sends an answer before the answer.
func (t *turn) inform(status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if status == http.StatusContinue {
		t.awaited = false
	}
	b := appendStatus(nil, status)
	b = append(AppendFields(b, t.header), "\r\n"...)
	if _, err := t.conn.Write(b); err != nil {
		t.failed = err
	}
}

func appendStatus(b []byte, status int) []byte {
	b = append(b, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(status), 10)
	b = append(b, ' ')
	b = append(b, http.StatusText(status)...)
	return append(b, "\r\n"...)
}

// Write writes a part of the answer.
func (t *turn) Write(p []byte) (int, error) {
	if t.isHijacked() {
		return 0, http.ErrHijacked
	}
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	if !t.bodied && t.req.Method == http.MethodHead {
		return len(p), nil
	}
	if err := t.mayWrite(len(p)); err != nil {
		return 0, err
	}
	if !t.begun && t.length < 0 && len(t.stage)+len(p) <= stageSize {
		t.stage = append(t.stage, p...)
		return len(p), nil
	}
	return t.write(p)
}

// mayWrite is why n bytes more may not be written.
func (t *turn) mayWrite(n int) error {
	switch {
	case t.failed != nil:
		return t.failed
	case !t.bodied:
		return http.ErrBodyNotAllowed
	case t.length >= 0 && int64(n) > t.left:
		return http.ErrContentLength
	}
	return nil
}

// write writes behind the head.
func (t *turn) write(p []byte) (int, error) {
	if !t.begun {
		if len(t.stage) > 0 {
			t.sniff(t.stage)
		} else {
			t.sniff(p)
		}
		t.endHead()
		staged := t.stage
		t.stage = nil
		t.add(staged)
	}
	t.add(p)
	if t.failed != nil {
		return 0, t.failed
	}
	return len(p), nil
}

// add puts a part of the body into the buffer, or writes it together with what is there.
func (t *turn) add(p []byte) {
	if len(p) == 0 || t.failed != nil {
		return
	}
	if t.coded {
		t.out = appendChunkHead(t.out, len(p))
	} else {
		t.left -= int64(len(p))
	}
	if len(t.out)+len(p)+2 <= outSize {
		t.out = append(t.out, p...)
	} else {
		t.send(p)
	}
	if t.coded {
		t.out = append(t.out, "\r\n"...)
	}
}

// send writes the buffer, and p behind it.
func (t *turn) send(p []byte) {
	if t.failed != nil {
		return
	}
	var err error
	switch {
	case len(p) == 0:
		_, err = t.conn.Write(t.out)
	default:
		parts := net.Buffers{t.out, p}
		_, err = parts.WriteTo(t.conn.Conn)
	}
	t.out = t.out[:0]
	t.failed = err
}

// FlushError sends what there is.
func (t *turn) FlushError() error {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	if !t.begun {
		_, _ = t.write(nil)
	}
	if len(t.out) > 0 {
		t.send(nil)
	}
	return t.failed
}

// Flush implements http.Flusher.
func (t *turn) Flush() { _ = t.FlushError() }

// endStage writes an answer of which nothing was written. Without a length, it has that of what was kept.
func (t *turn) endStage() {
	if t.length < 0 && !t.hasTrailers() {
		t.length, t.left = int64(len(t.stage)), int64(len(t.stage))
	}
	_, _ = t.write(nil)
}

// finish ends the answer, and says whether the connection can take another request.
func (t *turn) finish() bool {
	if t.status == 0 {
		t.WriteHeader(http.StatusOK)
	}
	if !t.begun {
		t.endStage()
	}
	if t.coded {
		t.out = appendEnd(t.out, t.trailers())
	}
	if len(t.out) > 0 {
		t.send(nil)
	}
	if cap(t.out) == outSize {
		outPool.Put((*[outSize]byte)(t.out[:outSize]))
	}
	t.out = nil
	return t.failed == nil && !t.closes && (t.left == 0 || !t.bodied)
}
