package rawtcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
	"time"
)

const (
	// acceptPause is how long no connection is taken after one could not be, because the process has no file descriptor left, say.
	acceptPause = 10 * time.Millisecond
	// lastWords is how long an alert may be on its way to a client that is cut off.
	lastWords = 2 * time.Second
)

// Server takes raw connections, and bounds them. Handle is required.
type Server struct {
	// Most is how many there are at once; zero: none.
	Most int
	// Handle has a connection to its end, which it must come to soon after ctx has ended. It is closed afterwards.
	Handle func(ctx context.Context, c net.Conn)
	// TurnAway is told of a connection beyond Most that was closed; nil: nobody is.
	TurnAway func(c net.Conn)
	// Open is how many there are; nil: nobody counts.
	Open interface {
		Inc()
		Dec()
	}

	mu    sync.Mutex
	life  context.Context // ends when those are cut off that are left
	cut   context.CancelFunc
	conns int
	over  chan struct{} // closed when none is left, once nothing more comes; nil until then
}

// Serve takes connections until the listener is closed.
func (s *Server) Serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			s.take(c)
		case errors.Is(err, net.ErrClosed):
			return err
		case passing(err):
			s.pause()
		default:
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// passing says whether a connection may be taken a little later.
func passing(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) || errors.Is(err, syscall.ECONNABORTED) ||
		errors.Is(err, syscall.ENOBUFS) || errors.Is(err, syscall.ENOMEM)
}

func (s *Server) pause() {
	t := time.NewTimer(acceptPause)
	defer t.Stop()
	select {
	case <-s.lifetime().Done():
	case <-t.C:
	}
}

// take serves a connection, if there may be one more.
func (s *Server) take(c net.Conn) {
	if s.join() {
		go s.handle(c)
		return
	}
	_ = c.Close() // first: who is asked for the address of one behind a proxy waits for the proxy's word
	if s.TurnAway != nil {
		s.TurnAway(c)
	}
}

func (s *Server) handle(c net.Conn) {
	defer s.leave()
	defer func() { _ = c.Close() }()
	s.Handle(s.lifetime(), c)
}

// lifetime ends when all connections must.
func (s *Server) lifetime() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.life == nil {
		s.life, s.cut = context.WithCancel(context.Background())
	}
	return s.life
}

func (s *Server) join() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns >= s.Most {
		return false
	}
	s.conns++
	if s.Open != nil {
		s.Open.Inc()
	}
	return true
}

func (s *Server) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns--
	if s.Open != nil {
		s.Open.Dec()
	}
	if s.over != nil && s.conns == 0 {
		close(s.over)
	}
}

// Drain waits until no connection is left, and cuts off those that are when the context ends: there is no goodbye in what is passed
// through, and some have no end. Nothing more may come.
func (s *Server) Drain(ctx context.Context) error {
	_ = s.lifetime()
	s.mu.Lock()
	s.over = make(chan struct{})
	if s.conns == 0 {
		close(s.over)
	}
	s.mu.Unlock()
	defer s.cut()
	select {
	case <-s.over:
		return nil
	case <-ctx.Done():
	}
	s.cut()
	late := time.NewTimer(lastWords)
	defer late.Stop()
	select {
	case <-s.over:
		return nil
	case <-late.C:
		return ctx.Err()
	}
}
