package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("answers the first request for a new key from a fresh pod of epoch 1: cold start (000-01, 000-02, 000-25, 000-32, 000-38, 004-06)", func(ctx SpecContext) {
	w := Given(ctx, "cold")
	Expect(w.sessions(ctx)).To(BeEmpty())

	first := w.Get(ctx, "a")

	Expect(first).To(Served("a", 1))
	Expect(first.UID).To(Equal(string(w.Pod(ctx, "a").UID)))
	Expect(w.sessions(ctx)).To(HaveLen(1))
	for _, g := range w.gateways {
		again, err := g.do(ctx, "GET", w.path("a"))
		Expect(err).NotTo(HaveOccurred())
		Expect(again).To(Served("a", 1))
		Expect(again.UID).To(Equal(first.UID), "any gateway finds the pod")
	}
	byHost, err := w.gateways[0].do(ctx, "GET", "/", Host("a."+w.namespace+".example.com"))
	Expect(err).NotTo(HaveOccurred())
	Expect(byHost.UID).To(Equal(first.UID), "any route finds the pod")
	say("cold start: %s; the second request: %s", ms(first.Took), ms(byHost.Took))
}, SpecTimeout(5*time.Minute))
