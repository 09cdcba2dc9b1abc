package conformance

import (
	"context"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/conformance"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// always is a directory in which sessions are awake, or not there.
type always struct{ *directory.Directory }

func (always) Wake(context.Context, directory.Wish) error {
	return &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound"}
}

// listener counts the connections of clients.
type listener struct {
	net.Listener
	accepted, open atomic.Int64
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.accepted.Add(1)
	l.open.Add(1)
	return &counted{Conn: c, open: &l.open}, nil
}

// counted is a connection that says when it is closed.
type counted struct {
	net.Conn
	open   *atomic.Int64
	closed atomic.Bool
}

func (c *counted) Close() error {
	if !c.closed.Swap(true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

// place is what a gateway is started for.
type place struct {
	pod      string // its address
	h2c      bool   // it speaks HTTP/2
	template func(*resolve.Template)
	gateway  []func(*gateway.Gateway)
	listen   func(net.Listener) net.Listener // nil: as it is
}

// start runs a gateway in which the session "a" of the template "t" is awake, behind {key}.t.test and /t/{key}/.
func start(t *testing.T, workload http.HandlerFunc, change ...func(*gateway.Gateway)) *listener {
	t.Helper()
	pod := httptest.NewServer(workload)
	t.Cleanup(func() { pod.CloseClientConnections(); pod.Close() })
	return startFor(t, place{pod: pod.Listener.Addr().String(), gateway: change})
}

func startFor(t *testing.T, p place) *listener {
	t.Helper()
	dir := &directory.Directory{Now: time.Now, Touch: func(directory.Need) {}, Settled: func() {}}
	at := netip.MustParseAddrPort(p.pod)
	dir.Apply(directory.ID{Namespace: "ns", Name: "t.a"}, directory.View{
		Version: 1, UID: "uid-a", State: directory.Reachable, Epoch: 1, IdleAfter: time.Minute, Counts: true,
		Pod: directory.Pod{UID: "pod-a", Address: at.Addr().String(), Port: int(at.Port()), H2C: p.h2c},
	})
	g := &gateway.Gateway{Sessions: always{dir}, Address: dir.Address, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	for _, f := range p.gateway {
		f(g)
	}
	tmpl := resolve.Template{
		Namespace: "ns", Name: "t", Pattern: regexp.MustCompile(`\A[a-z0-9]+\z`), WakeTimeout: 10 * time.Second, MaxHeld: 10, IdleAfter: time.Minute,
		Routes: []resolve.Route{{Host: "{key}.t.test"}, {Path: "/t/{key}/"}},
	}
	if p.template != nil {
		p.template(&tmpl)
	}
	g.Table.Set([]resolve.Template{tmpl})
	l := &listener{Listener: loopback(t)}
	var in net.Listener = l
	if p.listen != nil {
		in = p.listen(l)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	server := &gateway.Server{Gateway: g, ShutdownDelay: -1, DrainTimeout: time.Second}
	go func() {
		defer close(ended)
		_ = server.Run(ctx, in) // a test may leave a connection behind, which is cut off
	}()
	t.Cleanup(func() { cancel(); <-ended })
	return l
}

func loopback(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// byHost and byPath are the session "a" as clients reach it through an address.
func byHost(t *testing.T, address string) conformance.Target {
	t.Helper()
	return target(t, "http://a.t.test/", address)
}

func byPath(t *testing.T, address string) conformance.Target {
	t.Helper()
	return target(t, "http://games.test/t/a/", address)
}

func target(t *testing.T, rawURL, address string) conformance.Target {
	t.Helper()
	target, err := conformance.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	target.Dial = conformance.Dialer(&url.URL{Scheme: "http", Host: address}, "", nil)
	if target, err = target.Look(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !target.Echo {
		t.Fatal("no echo")
	}
	return target
}

// exceptions are the probes that must fail, each with why that is no fault of the gateway.
type exceptions map[string]string

// judge sends all probes that are not slow. Those of except must fail, and no others.
func judge(t *testing.T, to conformance.Target, lists ...exceptions) {
	t.Helper()
	except := exceptions{}
	for _, l := range lists {
		maps.Copy(except, l)
	}
	for _, p := range conformance.Probes() {
		if p.Slow {
			continue
		}
		r := p.Run(t.Context(), to)
		why, excepted := except[p.Name]
		switch {
		case r.Verdict == conformance.Failed && !excepted:
			t.Errorf("%s: %s (%s)", r.Name, r.Detail, r.For)
		case r.Verdict == conformance.Passed && excepted:
			t.Errorf("%s passes, and is excepted: %s", r.Name, why)
		}
	}
}
