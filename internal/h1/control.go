package h1

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"time"
)

// SetReadDeadline is for http.ResponseController. A body that nobody is to read any more keeps its own.
func (t *turn) SetReadDeadline(at time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopped || t.finished || t.watcher.over != nil {
		return nil
	}
	t.timed = true
	return t.conn.SetReadDeadline(at)
}

// SetWriteDeadline is for http.ResponseController.
func (t *turn) SetWriteDeadline(at time.Time) error { return t.conn.SetWriteDeadline(at) }

// EnableFullDuplex is for http.ResponseController. It is so anyway.
func (t *turn) EnableFullDuplex() error { return nil }

// Hijack gives the connection away.
func (t *turn) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if t.isHijacked() {
		return nil, nil, http.ErrHijacked
	}
	t.settle()
	t.mu.Lock()
	t.hijacked = true
	t.mu.Unlock()
	_ = t.conn.SetDeadline(time.Time{})
	early := append([]byte(nil), t.conn.in.buffered()...)
	r := bufio.NewReaderSize(&prefixed{Conn: t.conn.Conn, early: early}, max(bufferSize, len(early)))
	_, _ = r.Peek(len(early))
	t.conn.give()
	return t.conn.Conn, bufio.NewReadWriter(r, bufio.NewWriter(t.conn.Conn)), nil
}

func (t *turn) isHijacked() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hijacked
}

// prefixed is a connection of which something was read already.
type prefixed struct {
	net.Conn
	early []byte
}

// Read reads that first.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.early) == 0 {
		return p.Conn.Read(b)
	}
	n := copy(b, p.early)
	p.early = p.early[n:]
	return n, nil
}

var _ io.Reader = (*prefixed)(nil)
