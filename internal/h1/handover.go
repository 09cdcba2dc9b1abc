package h1

import (
	"net"
	"net/http"
	"sync"
	"time"
)

// handover is a listener for connections that another server has accepted.
type handover struct {
	conns chan net.Conn
	over  chan struct{}
	once  sync.Once
	mu    sync.Mutex
	addr  net.Addr
}

func newHandover() *handover {
	return &handover{conns: make(chan net.Conn), over: make(chan struct{})}
}

func (h *handover) of(a net.Addr) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.addr = a
}

// Accept waits for a connection that is handed over.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.over:
		return nil, http.ErrServerClosed
	}
}

// Close takes no more.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.over) })
	return nil
}

// Addr is where the connections came in.
func (h *handover) Addr() net.Addr {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.addr
}

// hand gives the connection to the other server, with the head that was read and what is behind it.
func (c *serverConn) hand(head string) {
	early := append([]byte(head), c.in.buffered()...)
	_ = c.SetDeadline(time.Time{})
	select {
	case c.server.handed.conns <- &prefixed{Conn: c.Conn, early: early}:
	case <-c.server.handed.over:
		_ = c.Conn.Close()
	}
	c.give()
}
