package h1

import (
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"
)

// uploadSize is what a body is copied through.
const uploadSize = 32 << 10

// lastWrite is how long an answer that was read waits for the end of its request to be written.
const lastWrite = 50 * time.Millisecond

var uploadPool = sync.Pool{New: func() any { return new([uploadSize]byte) }}

// upload is the body of a request on its way. It goes on while the answer comes.
type upload struct {
	x        *exchange
	q        *Request
	proceeds chan bool // nil: it waits for nothing
	began    bool
	read     atomic.Bool   // nothing more comes of the body
	written  chan struct{} // closed when all of it was
	over     chan struct{}

	mu  sync.Mutex
	err error // of the body
}

func newUpload(x *exchange, q *Request) *upload {
	u := &upload{x: x, q: q, written: make(chan struct{}), over: make(chan struct{})}
	if q.Expects {
		u.proceeds = make(chan bool, 1)
	}
	return u
}

// proceed says whether the other end wants the body: it has said so, or it has answered before it did.
func (u *upload) proceed(wanted bool) {
	if u == nil || u.proceeds == nil {
		return
	}
	select {
	case u.proceeds <- wanted:
	default:
	}
}

// begin lets the body go, behind its head.
func (u *upload) begin() {
	if u == nil {
		return
	}
	_ = u.x.conn.SetWriteDeadline(time.Time{}) // that of the reader will do: it closes the connection
	u.began = true
	go u.run()
}

func (u *upload) run() {
	defer close(u.over)
	if !u.wanted() {
		return
	}
	p := uploadPool.Get().(*[uploadSize]byte)
	defer uploadPool.Put(p)
	if err := u.copy(p[:]); err != nil {
		u.fail(err)
	}
}

// fail notes why the body ended early, if that was its own doing: then nobody answers the request. A connection that does not take it may
// have an answer, and one that has taken it whole may be another request's by now.
func (u *upload) fail(err error) {
	var broken *brokenError
	if errors.As(err, &broken) || u.whole() {
		return
	}
	u.mu.Lock()
	u.err = err
	u.mu.Unlock()
	_ = u.x.conn.SetReadDeadline(time.Unix(1, 0))
}

func (u *upload) whole() bool {
	select {
	case <-u.written:
		return true
	default:
		return false
	}
}

// brokenError is a connection that takes nothing any more.
type brokenError struct{ error }

// cause is what is wrong with the body.
func (u *upload) cause() error {
	if u == nil {
		return nil
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.err
}

// sent says whether the other end has got the whole body, or will at once.
func (u *upload) sent() bool {
	if u == nil {
		return true
	}
	if !u.read.Load() {
		return false
	}
	late := time.NewTimer(lastWrite)
	defer late.Stop()
	select {
	case <-u.written:
		return true
	case <-late.C:
		return false
	}
}

func (u *upload) wanted() bool {
	if u.proceeds == nil {
		return true
	}
	late := time.NewTimer(continueAfter)
	defer late.Stop()
	select {
	case wanted := <-u.proceeds:
		return wanted
	case <-late.C:
		return true
	}
}

// Room around a part of a body, for what makes a chunk of it.
const before, behind = 16, 2

func (u *upload) copy(p []byte) error {
	for sent := int64(0); ; {
		n, err := u.q.Body.Read(p[before : len(p)-behind])
		last := errors.Is(err, io.EOF)
		if sent += int64(n); u.q.Length >= 0 && sent > u.q.Length {
			return errFraming
		}
		if n > 0 || last {
			if err := u.pass(p, n, sent == u.q.Length, last); err != nil {
				return err
			}
		}
		if last {
			return u.end(sent)
		}
		if err != nil {
			return err
		}
	}
}

// pass writes a part, and notes whether it was all.
func (u *upload) pass(p []byte, n int, all, last bool) error {
	if all || last {
		u.read.Store(true)
	}
	if n == 0 {
		return nil
	}
	err := u.write(p, n)
	if err == nil && all {
		close(u.written)
	}
	return err
}

// write writes n bytes that stand in p behind the room.
func (u *upload) write(p []byte, n int) error {
	part := p[before : before+n]
	if u.q.Length < 0 {
		var room [before]byte
		head := appendChunkHead(room[:0], n)
		copy(p[before-len(head):], head)
		part = append(p[before-len(head):before+n], "\r\n"...)
	}
	return u.flush(part)
}

func (u *upload) flush(p []byte) error {
	if _, err := u.x.conn.Conn.Write(p); err != nil {
		return &brokenError{err}
	}
	return nil
}

func (u *upload) end(sent int64) error {
	if u.q.Length < 0 {
		err := u.flush(appendEnd(nil, u.q.Trailer))
		if err == nil {
			close(u.written)
		}
		return err
	}
	if sent < u.q.Length {
		return io.ErrUnexpectedEOF
	}
	return nil
}
