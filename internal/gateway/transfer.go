package gateway

import (
	"errors"
	"io"
	"net"
	"syscall"
)

// smallBuffer is what a connection is read through that cannot say when there is something to read, as one with TLS.
const smallBuffer = 4 << 10

// transfer gives each part that comes over a connection to take, until one of the two fails. While nothing comes it holds no buffer:
// it waits until the connection is readable, and only then takes one out of the pool.
func transfer(from net.Conn, take func(p []byte) error) error {
	if raw, ok := from.(syscall.Conn); ok {
		if c, err := raw.SyscallConn(); err == nil {
			return transferRaw(c, take)
		}
	}
	p := make([]byte, smallBuffer)
	for {
		n, err := from.Read(p)
		if n > 0 {
			if err := take(p[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
	}
}

// readable is one read of a socket.
type readable struct {
	p   []byte
	n   int
	err error
}

func transferRaw(from syscall.RawConn, take func(p []byte) error) error {
	r := &readable{}
	for {
		if err := from.Read(r.try); err != nil {
			return err
		}
		err := r.err
		if err == nil {
			err = take(r.p[:r.n])
		}
		buffers.Put(r.p)
		r.p = nil
		if err != nil {
			return err
		}
	}
}

// try reads what there is. False: nothing yet.
func (r *readable) try(fd uintptr) bool {
	r.p = buffers.Get()
	for {
		r.n, r.err = syscall.Read(int(fd), r.p)
		switch {
		case errors.Is(r.err, syscall.EINTR):
			continue
		case errors.Is(r.err, syscall.EAGAIN):
			buffers.Put(r.p)
			r.p = nil
			return false
		case r.n == 0 && r.err == nil:
			r.err = io.EOF
		}
		return true
	}
}
