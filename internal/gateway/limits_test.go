package gateway_test

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// One tenant does not fill the room: what it has too many is refused with the limit's name, and another waits as ever.
func TestHeldPerTenant(t *testing.T) {
	w := newTown(t, byJWT(t, access.Policy{Use: access.Authenticated}), func(g *gateway.Gateway, _ *gateway.Server) { g.MaxHeldPerTenant = 1 })
	waits, over := make(chan string, 3), make(chan struct{})
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		waits <- wish.Tenant
		<-over
		return errors.New("over")
	})
	ended := make(chan struct{}, 2)
	ask := func(tenant string) {
		_, _ = w.ask("GET", "/", "Authorization", "Bearer "+jwtOf(t, "id", "alice", tenant))
		ended <- struct{}{}
	}
	go ask("acme")
	<-waits
	res, body := w.ask("GET", "/", "Authorization", "Bearer "+jwtOf(t, "id", "bob", "acme"))
	doc := wantProblem(t, res, body, 503, gateway.ReasonTooManyWaiting)
	if doc["limit"] != "gateway.maxHeldPerTenant" || res.Header.Get("Retry-After") != "1" {
		t.Errorf("problem %v, header %v", doc, res.Header)
	}
	go ask("umbrella")
	if tenant := <-waits; tenant != "umbrella" {
		t.Errorf("%s waits", tenant)
	}
	close(over)
	<-ended
	<-ended
	go ask("acme")
	if tenant := <-waits; tenant != "acme" {
		t.Errorf("%s waits", tenant)
	}
}

// An address without a credential wakes no more than it may in a minute; who says who it is is not counted with it.
func TestWakesPerClient(t *testing.T) {
	w := newTown(t, byJWT(t, access.Policy{}), func(g *gateway.Gateway, _ *gateway.Server) { g.WakesPerClient = 2 })
	w.wakeBy(func(context.Context, directory.Wish) error { return &directory.Refusal{Kind: directory.NotFound} })
	for range 2 {
		res, body := w.get("a", "/")
		wantProblem(t, res, body, 404, gateway.ReasonNotFound)
	}
	res, body := w.get("a", "/")
	doc := wantProblem(t, res, body, 429, gateway.ReasonLimitReached)
	if doc["limit"] != "gateway.wakesPerClient" || res.Header.Get("Retry-After") != "30" {
		t.Errorf("problem %v, header %v", doc, res.Header)
	}
	if n := w.wakes.Load(); n != 2 {
		t.Errorf("%d wakes", n)
	}
	res, body = w.ask("GET", "/", "Authorization", "Bearer "+jwtOf(t, "id", "alice", "acme"))
	wantProblem(t, res, body, 404, gateway.ReasonNotFound)
	w.owned(newPod(t, echo), "", 1)
	if res, body := w.get("a", "/"); res.StatusCode != 200 {
		t.Errorf("of a session that is awake: %s %s", res.Status, body)
	}
}

// One address has no more connections than it may, until it closes one.
func TestConnectionsPerClient(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := gateway.LimitPerClient(inner, 2, gateway.NewMetrics(prometheus.NewRegistry()))
	t.Cleanup(func() { _ = l.Close() })
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		return c
	}
	dial()
	dial()
	one := <-accepted
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the third connection: %v", err)
	}
	_ = one.Close()
	_ = one.Close() // gives back one place, and not two
	dial()
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the one after: %v", err)
	}
	if gateway.LimitPerClient(inner, 0, nil) != inner {
		t.Error("no bound is one")
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}
