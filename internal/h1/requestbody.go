package h1

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// mostDrained is how much of a body that nobody wanted is read, so that the connection can be used again: as in net/http.
const mostDrained = 256 << 10

// requestBody is the body of a request, for its handler. One goroutine at a time reads it, which may not be the handler's.
type requestBody turn

// Read reads a part, and asks the client for it if it waits to be asked.
func (b *requestBody) Read(p []byte) (int, error) {
	t := (*turn)(b)
	t.reading.Lock()
	defer t.reading.Unlock()
	if err := t.mayRead(); err != nil {
		return 0, err
	}
	n, err := t.body.read(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil && (t.stopped || t.finished) && isTimeout(err) {
		return n, http.ErrBodyReadAfterClose
	}
	var theirs fault
	switch {
	case t.body.whole():
		t.ended = true
		t.look()
	case err != nil && !isTimeout(err) && !errors.As(err, &theirs):
		t.ctx.end() // the client has gone
	}
	return n, err
}

func (t *turn) mayRead() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped || t.finished {
		return http.ErrBodyReadAfterClose
	}
	if t.awaited && t.status == 0 {
		t.awaited = false
		if _, err := io.WriteString(t.conn.Conn, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return err
		}
	}
	return nil
}

// Close ends a Read that waits, and all that would come.
func (b *requestBody) Close() error {
	t := (*turn)(b)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped || t.finished || t.ended {
		return nil
	}
	t.stopped = true
	return t.conn.SetReadDeadline(past)
}

// drain reads what is left of the body, if it is little, and says whether the next request is behind it. The handler is over.
func (t *turn) drain(until time.Time) bool {
	if t.body.whole() {
		return true
	}
	if t.body.err != nil || t.awaited {
		return false
	}
	_ = t.conn.SetReadDeadline(until)
	p := uploadPool.Get().(*[uploadSize]byte)
	defer uploadPool.Put(p)
	for total := 0; total <= mostDrained; {
		n, err := t.body.read(p[:])
		if total += n; err != nil {
			return t.body.whole()
		}
	}
	return false
}
