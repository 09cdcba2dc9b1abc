package h1

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Server serves HTTP/1.1. All fields but ErrorLog are required.
type Server struct {
	Handler http.Handler
	// Other takes connections on which comes what this server does not serve: HTTP/2, HTTP/1.0 and the like.
	Other *http.Server
	// HeaderTimeout is how long a client has for a head, and IdleTimeout how long until it begins.
	HeaderTimeout, IdleTimeout time.Duration
	// MaxHead bounds a head, in bytes.
	MaxHead int
	// Now is the clock.
	Now func() time.Time
	// Fault is told of a panic of the handler, other than http.ErrAbortHandler.
	Fault func(fault any)

	once     sync.Once
	ctx      context.Context
	cancel   context.CancelFunc
	handed   *handover
	stopping atomic.Bool
	date     atomic.Pointer[date]

	mu        sync.Mutex
	listeners map[net.Listener]struct{}
	conns     map[*serverConn]struct{}
	none      chan struct{} // closed when there are no connections; nil: nobody waits
}

// date is what a second looks like in a head.
type date struct {
	second int64
	text   string
}

func (s *Server) appendDate(b []byte) []byte {
	now := s.Now()
	d := s.date.Load()
	if d == nil || d.second != now.Unix() {
		d = &date{now.Unix(), now.UTC().Format(http.TimeFormat)}
		s.date.Store(d)
	}
	return append(b, d.text...)
}

func (s *Server) prepare() {
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.listeners, s.conns = map[net.Listener]struct{}{}, map[*serverConn]struct{}{}
	s.handed = newHandover()
}

// Serve takes connections until the server is shut down, or the listener fails.
func (s *Server) Serve(l net.Listener) error {
	s.once.Do(s.prepare)
	if !s.enter(l) {
		_ = l.Close()
		return http.ErrServerClosed
	}
	s.handed.of(l.Addr())
	go func() { _ = s.Other.Serve(s.handed) }()
	pause := time.Duration(0)
	for {
		conn, err := l.Accept()
		if err == nil {
			pause = 0
			s.open(conn)
			continue
		}
		if s.stopping.Load() {
			return http.ErrServerClosed
		}
		if !isTemporary(err) {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		<-time.After(pause)
	}
}

// isTemporary says of an error of Accept whether the next one may come: that of a process that has too many files open, say.
func isTemporary(err error) bool {
	n, ok := err.(interface{ Temporary() bool })
	return ok && n.Temporary()
}

func (s *Server) enter(l net.Listener) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopping.Load() {
		return false
	}
	s.listeners[l] = struct{}{}
	return true
}

func (s *Server) open(conn net.Conn) {
	c := &serverConn{Conn: conn, server: s, since: s.Now()}
	s.mu.Lock()
	s.conns[c] = struct{}{}
	s.mu.Unlock()
	go c.serve()
}

// left is called when a connection is another's, or closed.
func (s *Server) left(c *serverConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	if len(s.conns) == 0 && s.none != nil {
		close(s.none)
		s.none = nil
	}
}

// Shutdown takes no more connections, closes those that are idle, and waits until the others are. Connections that were given away
// are their new owners'.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(s.prepare)
	none := s.stop()
	defer s.cancel()
	other := make(chan error, 1)
	go func() { other <- s.Other.Shutdown(ctx) }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		s.closeIdle()
		select {
		case <-none:
			return <-other
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// stop closes the listeners, and gives what is closed when there are no connections.
func (s *Server) stop() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping.Store(true)
	for l := range s.listeners {
		_ = l.Close()
	}
	none := make(chan struct{})
	s.none = none
	if len(s.conns) == 0 {
		close(none)
		s.none = nil
	}
	return none
}

// newFor is how long a connection on which nothing came may still bring a request when the server is shut down.
const newFor = 5 * time.Second

func (s *Server) closeIdle() {
	now := s.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if state := c.state.Load(); state == idle || state == fresh && now.Sub(c.since) > newFor {
			_ = c.Conn.Close()
		}
	}
}

// Close closes all connections at once.
func (s *Server) Close() error {
	s.once.Do(s.prepare)
	s.stop()
	s.cancel()
	s.mu.Lock()
	for c := range s.conns {
		_ = c.Conn.Close()
	}
	s.mu.Unlock()
	return s.Other.Close()
}
