package gateway

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/rawtcp"
	"github.com/dormouse-dev/dormouse/internal/h1"
)

const (
	// headerTimeout is how long a client has for the headers of a request.
	headerTimeout = 10 * time.Second
	// keepAlive is how long a client's idle connection is kept: longer than the 60 s of the common load balancers, so
	// that they are the ones who hang up.
	keepAlive = 75 * time.Second
	// maxHeader is how many bytes of headers a request may have: 32 KiB, of which net/http adds 4.
	maxHeader = 28 << 10
	// maxStreams is how many requests one connection of HTTP/2 may have at once.
	maxStreams = 100
	// pingAfter is how long a connection of HTTP/2 may be silent until it is asked whether it is still there, and pingTimeout how
	// long the answer may take.
	pingAfter   = 30 * time.Second
	pingTimeout = 15 * time.Second
)

// Defaults of the fields of a Server.
const (
	// DefaultShutdownDelay is how long new connections still come after a gateway has said that it is not ready.
	DefaultShutdownDelay = 5 * time.Second
	// DefaultDrainTimeout is how long requests in flight may take then. With the delay it is under the 30 s that a pod
	// has to end.
	DefaultDrainTimeout = 20 * time.Second
)

// Server serves a Gateway on a listener, until it is told to stop.
type Server struct {
	Gateway *Gateway
	// Raw is where raw TCP comes in: TLS, whose server name is a route's host, and which is passed through; nil: nowhere.
	Raw net.Listener
	// Secure is where connections with TLS come in; nil: nowhere.
	Secure *Secure
	// ShutdownDelay is how long the listener stays open when the server is to stop; negative: not at all.
	ShutdownDelay time.Duration
	// DrainTimeout is how long requests in flight may take after that.
	DrainTimeout time.Duration
}

// Secure is a listener for TLS.
type Secure struct {
	Listener net.Listener
	TLS      *tls.Config
}

// Run serves until ctx ends. Then it is not ready any more, keeps listening for ShutdownDelay, and ends: WebSockets are
// closed with 1001, requests in flight have DrainTimeout, and who is left then is cut off; those who wait for a session are refused
// a second before. It returns nil when all ended in time.
func (s *Server) Run(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           s.Gateway.Handler(),
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       keepAlive,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          s.errorLog(),
		Protocols:         protocols(),
		HTTP2:             http2Limits(),
	}
	plain := s.plain(srv)
	failed := make(chan error, 3)
	if s.Secure != nil {
		srv.TLSConfig = s.Secure.TLS.Clone() // net/http adds to it
		go func() { failed <- srv.ServeTLS(s.Secure.Listener, "", "") }()
	}
	go func() { failed <- plain.Serve(l) }()
	raw := newRawServer(s.Gateway)
	if s.Raw != nil {
		go func() { failed <- raw.Serve(s.Raw) }()
	}
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	s.Gateway.draining.Store(true)
	select {
	case err := <-failed:
		return fmt.Errorf("serve: %w", err)
	case <-time.After(orDefault(s.ShutdownDelay, DefaultShutdownDelay)):
	}
	return s.drain(context.WithoutCancel(ctx), plain, raw)
}

// server is an *http.Server, or an *h1.Server.
type server interface {
	Serve(l net.Listener) error
	Shutdown(ctx context.Context) error
	Close() error
}

// plain serves HTTP/1.1 without TLS, and leaves all else to srv.
func (s *Server) plain(srv *http.Server) server {
	if s.Gateway.Standard {
		return srv
	}
	return &h1.Server{
		Handler:       srv.Handler,
		Other:         srv,
		HeaderTimeout: headerTimeout,
		IdleTimeout:   keepAlive,
		MaxHead:       maxHeader + 4<<10, // what net/http adds
		Now:           s.Gateway.Now,
		Fault:         func(fault any) { s.Gateway.Log.Error("panic", "fault", fault) },
	}
}

// protocols are HTTP/1.1 and HTTP/2: with TLS, by ALPN; without, with prior knowledge.
func protocols() *http.Protocols {
	p := &http.Protocols{}
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return p
}

// http2Limits bound what one connection of HTTP/2 can ask for. The headers of a request have the bound of HTTP/1.1.
func http2Limits() *http.HTTP2Config {
	return &http.HTTP2Config{
		MaxConcurrentStreams: maxStreams,
		SendPingTimeout:      pingAfter,
		PingTimeout:          pingTimeout,
		WriteByteTimeout:     DefaultStall,
	}
}

// drain ends what is in flight.
func (s *Server) drain(ctx context.Context, srv server, raw *rawtcp.Server) error {
	timeout := orDefault(s.DrainTimeout, DefaultDrainTimeout)
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	defer s.Gateway.lastCall(timeout)()
	closed := s.Gateway.upgrades.drain()
	if s.Raw != nil {
		_ = s.Raw.Close()
	}
	err := srv.Shutdown(ctx)
	if err == nil {
		select {
		case <-closed:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	err = errors.Join(err, raw.Drain(ctx))
	if err != nil {
		return errors.Join(fmt.Errorf("drain: %w", err), srv.Close())
	}
	return nil
}

// errorLog takes what net/http says of clients: a client's fault is none of ours.
func (s *Server) errorLog() *log.Logger {
	return slog.NewLogLogger(s.Gateway.Log.Handler(), slog.LevelDebug)
}

// Ready says whether new requests should come here.
func (s *Server) Ready() bool {
	return !s.Gateway.draining.Load()
}
