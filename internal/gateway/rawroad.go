package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// rawVisit is what became of a raw connection.
type rawVisit struct {
	named          bool   // its ClientHello was read
	template       string // namespace and name; empty: none was found
	received, sent int64  // bytes of the client, and to it
}

// Publish replaces the templates, oldest first: those of raw TCP are found by raw connections only, and the others by requests only.
func (g *Gateway) Publish(templates []Template) {
	var http, raw []Template
	for _, t := range templates {
		if t.Raw {
			raw = append(raw, t)
			continue
		}
		http = append(http, t)
	}
	g.Table.Set(http)
	g.RawTable.Set(raw)
}

// carry is the road of a raw connection: resolve, admit, wake, pass through. It returns nil if the connection came to its own end, and
// otherwise errClientGone or a Problem.
func (g *Gateway) carry(ctx context.Context, c net.Conn, v *rawVisit) error {
	_ = c.SetReadDeadline(g.Now().Add(headerTimeout))
	h, err := readHello(ctx, c)
	if err != nil {
		return &Problem{Reason: ReasonBadHello, Detail: err.Error(), Outcome: OutcomeNotSent}
	}
	v.named = true
	target, err := g.resolveRaw(h.host)
	if err != nil {
		return err
	}
	v.template = target.Namespace + "/" + target.Name
	if err := permit(target, access.Caller{}, access.Session{}, access.Use); err != nil { // a raw connection brings no credential
		return err
	}
	client := &rawClient{Conn: c, sent: h.sent}
	visit, pod, err := g.wakeRaw(ctx, target, client)
	if err != nil {
		return err
	}
	defer visit.Leave()
	defer func() { _ = pod.Close() }()
	return g.pass(ctx, client, pod, visit, v)
}

// resolveRaw finds the session of a server name, by the routes of hosts.
func (g *Gateway) resolveRaw(host string) (Target, error) {
	return g.RawTable.Resolve(&http.Request{
		Method: http.MethodGet, Host: host, RequestURI: "/", URL: &url.URL{Path: "/"}, Header: http.Header{},
	})
}

// wakeRaw gives a visit and a connection to the pod, when the session is there.
func (g *Gateway) wakeRaw(ctx context.Context, t Target, c *rawClient) (*directory.Visit, net.Conn, error) {
	began := g.Now()
	there, gone := context.WithCancel(ctx)
	defer gone()
	wait, cancel := context.WithTimeout(there, t.Patience)
	defer cancel()
	ticket := g.room.admit(t)
	ticket.span = trace.SpanFromContext(ctx)
	defer ticket.leave()
	rest := c.attend(gone)
	visit, pod, err := visitWith(wait, g, t, ticket, func(podUID string) (net.Conn, error) {
		return g.pods.open(wait, podUID, ticket.hold)
	})
	rest()
	if err == nil && there.Err() != nil {
		visit.Leave()
		_ = pod.Close()
		err = there.Err()
	}
	if err != nil {
		err = refused(there, wait, t, err)
	}
	if ticket.taken {
		g.Metrics.woken(g.Now().Sub(began), err)
	}
	ticket.waking.leave(err)
	return visit, pod, err
}

// rawClient is the client of a raw connection, and what it has sent that the pod does not have yet.
type rawClient struct {
	net.Conn
	sent []byte
}

// attend reads what the client sends while it waits, maxHello bytes in all at most, so that one that goes away is noticed. It may not close
// its half of the connection before it has an answer: no client of TLS does. What it returns ends that, and must be called.
func (c *rawClient) attend(gone func()) (stop func()) {
	done := make(chan struct{})
	_ = c.SetReadDeadline(time.Time{})
	go func() {
		defer close(done)
		var some [512]byte
		for len(c.sent) < maxHello {
			n, err := c.Read(some[:])
			c.sent = append(c.sent, some[:n]...)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			if err != nil {
				gone()
				return
			}
		}
	}()
	return func() {
		_ = c.SetReadDeadline(longAgo)
		<-done
		_ = c.SetReadDeadline(time.Time{})
	}
}

// TLS alerts, RFC 8446 section 6.
const (
	alertInternalError    = 80
	alertUnrecognizedName = 112
	alertAccessDenied     = 49
)

// refuseRaw tells the client of a connection that is refused so, in an alert of TLS, and waits until that is read, or the time is over.
func refuseRaw(c net.Conn, err error, until time.Time) {
	var p *Problem
	if !errors.As(err, &p) || p.Outcome == OutcomeUnknown {
		return
	}
	alert := byte(alertInternalError)
	switch p.Reason {
	case ReasonBadHost, ReasonBadKey, ReasonNoRoute, ReasonKeyRejected, ReasonNotFound, ReasonGone:
		alert = alertUnrecognizedName
	case ReasonUnauthenticated, ReasonForbidden:
		alert = alertAccessDenied
	}
	_ = c.SetDeadline(until)
	if _, err := c.Write([]byte{0x15, 3, 3, 0, 2, 2, alert}); err != nil || closeWrite(c) != nil {
		return
	}
	var some [512]byte
	for {
		if _, err := c.Read(some[:]); err != nil {
			return
		}
	}
}
