package gateway

import (
	"errors"
	"net"
	"syscall"
)

// look is how a connection is looked at without reading from it. One goroutine at a time looks.
type look struct {
	raw    syscall.RawConn
	peek   func(fd uintptr) // here, so that a look allocates nothing
	talks  bool             // the other end may have said something
	failed error
	open   bool
	first  [1]byte
}

func newLook(c net.Conn, talks bool) *look {
	l := &look{talks: talks}
	l.peek = l.at
	if sc, ok := c.(syscall.Conn); ok {
		l.raw, l.failed = sc.SyscallConn()
	}
	return l
}

// closed says whether the other end has closed the connection. One that cannot be looked at is open.
func (l *look) closed() bool {
	if l.raw == nil {
		return l.failed != nil
	}
	l.open = false
	return l.raw.Control(l.peek) != nil || !l.open
}

func (l *look) at(fd uintptr) {
	n, _, err := syscall.Recvfrom(int(fd), l.first[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	l.open = errors.Is(err, syscall.EAGAIN) || l.talks && n > 0
}
