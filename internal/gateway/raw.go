package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/rawtcp"
)

// DefaultMaxRaw is how many raw connections there are in one gateway. Each takes up to six file descriptors: two sockets, and a pipe in
// each direction that the kernel moves the bytes through.
const DefaultMaxRaw = 10_000

// newRawServer serves raw connections with the road.
func newRawServer(g *Gateway) *rawtcp.Server {
	return &rawtcp.Server{Most: g.MaxRaw, Open: g.Metrics.raw.open, Handle: g.handleRaw, TurnAway: g.turnAwayRaw}
}

func (g *Gateway) turnAwayRaw(c net.Conn) {
	g.told(c, &rawVisit{}, 0, &answer.Problem{Reason: answer.ReasonTooManyWaiting, Limit: "gateway.maxRaw", Outcome: answer.OutcomeNotSent})
}

func (g *Gateway) handleRaw(ctx context.Context, c net.Conn) {
	began, v := g.Now(), &rawVisit{}
	defer func() {
		if fault := recover(); fault != nil {
			g.Metrics.panics.Inc()
			g.Log.Error("panic", "fault", fault, "stack", string(debug.Stack()))
		}
	}()
	err := g.carry(ctx, c, v)
	if alert, told := alertOf(err); told && v.secure {
		rawtcp.Refuse(c, alert, g.Now().Add(farewell))
	}
	g.told(c, v, g.Now().Sub(began), err)
}

// alertOf is what the client of a connection is told that was refused so. One that broke off, or that a pod had, is told nothing.
func alertOf(err error) (alert byte, told bool) {
	var p *answer.Problem
	if !errors.As(err, &p) || p.Outcome == answer.OutcomeUnknown {
		return 0, false
	}
	switch p.Reason {
	case answer.ReasonBadHost, answer.ReasonBadKey, answer.ReasonNoRoute, answer.ReasonKeyRejected, answer.ReasonNotFound, answer.ReasonGone:
		return rawtcp.AlertUnrecognizedName, true
	case answer.ReasonUnauthenticated, answer.ReasonForbidden:
		return rawtcp.AlertAccessDenied, true
	}
	return rawtcp.AlertInternalError, true
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
		slog.Int64("received", v.Received),
		slog.Int64("bytes", v.Sent),
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
