package gateway_test

import (
	"context"
	"errors"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
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
	doc := wantProblem(t, res, body, 503, answer.ReasonTooManyWaiting)
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
		wantProblem(t, res, body, 404, answer.ReasonNotFound)
	}
	res, body := w.get("a", "/")
	doc := wantProblem(t, res, body, 429, answer.ReasonLimitReached)
	if doc["limit"] != "gateway.wakesPerClient" || res.Header.Get("Retry-After") != "30" {
		t.Errorf("problem %v, header %v", doc, res.Header)
	}
	if n := w.wakes.Load(); n != 2 {
		t.Errorf("%d wakes", n)
	}
	res, body = w.ask("GET", "/", "Authorization", "Bearer "+jwtOf(t, "id", "alice", "acme"))
	wantProblem(t, res, body, 404, answer.ReasonNotFound)
	w.owned(newPod(t, echo), "")
	if res, body := w.get("a", "/"); res.StatusCode != 200 {
		t.Errorf("of a session that is awake: %s %s", res.Status, body)
	}
}
