package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// DefaultMaxRaw is how many raw connections there are in one gateway. Each takes up to six file descriptors: two sockets, and a pipe in
// each direction that the kernel moves the bytes through.
const DefaultMaxRaw = 10_000

// acceptPause is how long no connection is taken after one could not be, because the process has no file descriptor left, say.
const acceptPause = 10 * time.Millisecond

// rawServer serves raw connections: TLS that is passed through as it is, its session found by the server name of its ClientHello.
type rawServer struct {
	gateway *Gateway
	life    context.Context // ends when those are cut off that are left
	cut     context.CancelFunc

	mu    sync.Mutex
	conns int
	over  chan struct{} // closed when none is left, once nothing more comes; nil until then
}

func newRawServer(g *Gateway) *rawServer {
	life, cut := context.WithCancel(context.Background())
	return &rawServer{gateway: g, life: life, cut: cut}
}

// serve takes connections until the listener is closed.
func (s *rawServer) serve(l net.Listener) error {
	for {
		c, err := l.Accept()
		switch {
		case err == nil:
			s.take(c)
		case errors.Is(err, net.ErrClosed):
			return err
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED), errors.Is(err, syscall.ENOBUFS), errors.Is(err, syscall.ENOMEM):
			_ = sleep(s.life, acceptPause)
		default:
			return fmt.Errorf("accept: %w", err)
		}
	}
}

// take serves a connection, if there may be one more.
func (s *rawServer) take(c net.Conn) {
	if s.join() {
		go s.handle(c)
		return
	}
	s.gateway.told(c, &rawVisit{}, 0, &Problem{Reason: ReasonTooManyWaiting, Limit: "gateway.maxRaw", Outcome: OutcomeNotSent})
	_ = c.Close()
}

func (s *rawServer) join() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conns >= s.gateway.MaxRaw {
		return false
	}
	s.conns++
	s.gateway.Metrics.raw.open.Inc()
	return true
}

func (s *rawServer) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conns--
	s.gateway.Metrics.raw.open.Dec()
	if s.over != nil && s.conns == 0 {
		close(s.over)
	}
}

func (s *rawServer) handle(c net.Conn) {
	g, began := s.gateway, s.gateway.Now()
	v := &rawVisit{}
	defer s.leave()
	defer func() { _ = c.Close() }()
	defer func() {
		if fault := recover(); fault != nil {
			g.Metrics.panics.Inc()
			g.Log.Error("panic", "fault", fault, "stack", string(debug.Stack()))
		}
	}()
	err := g.carry(s.life, c, v)
	if err != nil && v.named {
		refuseRaw(c, err, g.Now().Add(farewell))
	}
	g.told(c, v, g.Now().Sub(began), err)
}

// drain waits until no connection is left, and cuts off those that are when the context ends: there is no goodbye in what is passed
// through, and some have no end. Nothing more may come.
func (s *rawServer) drain(ctx context.Context) error {
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
	late := time.NewTimer(2 * farewell) // an alert may be on its way
	defer late.Stop()
	select {
	case <-s.over:
		return nil
	case <-late.C:
		return ctx.Err()
	}
}

// told counts and logs a connection. The log has no server name: it has the key.
func (g *Gateway) told(c net.Conn, v *rawVisit, took time.Duration, err error) {
	reason := outcome(err)
	if err == nil {
		reason = ""
	}
	g.Metrics.raw.ended.WithLabelValues(reason).Inc()
	g.Log.LogAttrs(context.Background(), slog.LevelInfo, "connection",
		slog.String("template", v.template),
		slog.String("client", c.RemoteAddr().String()),
		slog.String("reason", reason),
		slog.Int64("received", v.received),
		slog.Int64("bytes", v.sent),
		slog.Duration("took", took),
	)
}

// rawMetrics are what is counted of raw connections.
type rawMetrics struct {
	open  prometheus.Gauge
	ended *prometheus.CounterVec
}

func newRawMetrics(r prometheus.Registerer) rawMetrics {
	m := rawMetrics{
		open: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "dormouse_gateway_raw_connections",
			Help: "Open raw TCP connections.",
		}),
		ended: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "dormouse_gateway_raw_connections_total",
			Help: "Raw TCP connections that have ended, by the reason of the gateway where it refused or broke one off.",
		}, []string{"reason"}),
	}
	r.MustRegister(m.open, m.ended)
	return m
}
