package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("fails no request but those in flight in a gateway that is killed, while a gateway and then the operator are killed (000-15, 002-20, 004-15)", Serial, Label("long"), func(ctx SpecContext) {
	w := Given(ctx, "kills", Idle(time.Second), Saved())
	t := someTraffic(w)
	sent := make(chan *tally, 1)
	go func() { sent <- t.run(ctx) }()

	pass(ctx, t.lasts/4)
	killGateway(ctx, w.gateways[0])
	pass(ctx, t.lasts/4)
	former, _ := cl.leader(ctx)
	killOperator(ctx, former)
	back := time.Now()

	var sum *tally
	Eventually(ctx, sent).WithTimeout(t.lasts + patience).Should(Receive(&sum))
	sleeps := t.audit(ctx, sum)
	next, renewed := cl.leader(ctx)
	say("killed: gateway %s, operator %s; %s leads now", w.gateways[0].pod.Name, former, next)
	Expect(renewed).To(BeTemporally(">", back), "nobody leads")
	Expect(sleeps).To(BeNumerically(">=", int64(t.lasts/time.Second)/2), "or this has proved little")
}, SpecTimeout(15*time.Minute))

// killGateway kills a gateway and waits until it takes requests again. Clients may lose what they have in flight there.
func killGateway(ctx context.Context, g *gateway) {
	GinkgoHelper()
	g.killed.Store(true)
	cl.killPart(ctx, g.pod)
	Eventually(ctx, g.healthy).Should(BeTrue())
	g.client.CloseIdleConnections()
	g.killed.Store(false)
	g.down.Store(false)
}

func killOperator(ctx context.Context, name string) {
	GinkgoHelper()
	for _, p := range cl.podsOf(ctx, operators) {
		if p.Name == name {
			cl.killPart(ctx, p)
			return
		}
	}
	Fail("the leader " + name + " has no pod")
}

// pass lets traffic go on for a while.
func pass(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
