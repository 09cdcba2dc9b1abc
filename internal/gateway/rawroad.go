package gateway

import (
	"context"
	"net"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/admission"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/rawtcp"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// rawVisit is what became of a raw connection.
type rawVisit struct {
	secure   bool   // its ClientHello was read: it speaks TLS
	template string // namespace and name; empty: none was found
	rawtcp.Passed
}

// Publish replaces the templates, oldest first: those of raw TCP are found by raw connections only, and the others by requests only.
func (g *Gateway) Publish(templates []resolve.Template) {
	var http, raw []resolve.Template
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

// carry is the road of a raw connection: count, resolve, admit, wake, pass through. It returns nil if the connection came to its own end, and
// otherwise answer.ErrClientGone or a Problem.
func (g *Gateway) carry(ctx context.Context, c net.Conn, v *rawVisit) error {
	c, within := front.Within(c)
	if !within {
		return &answer.Problem{Reason: answer.ReasonLimitReached, Limit: "gateway.connectionsPerClient", Outcome: answer.OutcomeNotSent}
	}
	h, err := g.nameOf(ctx, c, v)
	if err != nil {
		return err
	}
	target, err := g.resolveRaw(h.Host, c.RemoteAddr().String())
	if err != nil {
		return err
	}
	v.template = target.Namespace + "/" + target.Name
	if err := admission.Permit(target, access.Caller{}, access.Session{}, access.Use); err != nil { // a raw connection brings no credential
		return err
	}
	client := &rawtcp.Client{Conn: c, Sent: h.Sent, Plain: !v.secure}
	visit, pod, err := g.wakeRaw(ctx, target, client)
	if err != nil {
		return err
	}
	defer visit.Leave()
	defer func() { _ = pod.Close() }()
	return g.pass(ctx, client, pod, visit, v)
}

// nameOf reads which host a raw connection is for: by the word of a trusted proxy before it, or else in its ClientHello.
func (g *Gateway) nameOf(ctx context.Context, c net.Conn, v *rawVisit) (rawtcp.Hello, error) {
	host, said, err := front.Authority(c)
	if err != nil {
		return rawtcp.Hello{}, &answer.Problem{Reason: answer.ReasonBadHost, Detail: err.Error(), Outcome: answer.OutcomeNotSent}
	}
	if said {
		return rawtcp.Hello{Host: host}, nil
	}
	_ = c.SetReadDeadline(g.Now().Add(headerTimeout))
	h, err := rawtcp.ReadHello(ctx, c)
	if err != nil {
		return h, &answer.Problem{Reason: answer.ReasonBadHello, Detail: err.Error(), Outcome: answer.OutcomeNotSent}
	}
	v.secure = true
	return h, nil
}

// resolveRaw finds the session of a server name, by the routes of hosts, for the client at an address, with which its wakes are counted.
func (g *Gateway) resolveRaw(host, client string) (*resolve.Target, error) {
	return g.RawTable.Resolve(&http.Request{
		Method: http.MethodGet, Host: host, RequestURI: "/", URL: &url.URL{Path: "/"}, Header: http.Header{}, RemoteAddr: client,
	})
}

// wakeRaw gives a visit and a connection to the pod, when the session is there.
func (g *Gateway) wakeRaw(ctx context.Context, t *resolve.Target, c *rawtcp.Client) (*directory.Visit, net.Conn, error) {
	began := g.Now()
	there, gone := context.WithCancel(ctx)
	defer gone()
	wait, cancel := g.waits(there, t.Patience)
	defer cancel()
	ticket := g.room.admit(t)
	ticket.span = trace.SpanFromContext(ctx)
	defer ticket.leave()
	rest := c.Attend(gone)
	visit, pod, err := visitWith(wait, g, t, ticket, func(podUID string) (net.Conn, error) {
		return g.pods.open(wait, podUID, beside{port: t.IdentityPort, path: t.IdentityPath}, ticket.hold)
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
