package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("answers from a new epoch after the process was killed on its node (000-16, 002-06, 002-08, 002-12, 003-04, 004-25)", func(ctx SpecContext) {
	w := Given(ctx, "process")
	first := w.Get(ctx, "a")
	Expect(first).To(Served("a", 1))

	Expect(cl.kill(ctx, w.Pod(ctx, "a"))).To(Equal(1))

	second := w.Get(ctx, "a") // at once: Kubernetes does not know yet
	Expect(second).To(Served("a", 2))
	Expect(second.UID).NotTo(Equal(first.UID))
	last := w.Session(ctx, "a").Status.LastExit
	Expect(last).To(HaveField("Code", HaveValue(BeEquivalentTo(137))))
	Expect(last.Epoch).To(BeEquivalentTo(1))
	say("kill -9: the next request was answered in %s", ms(second.Took))
}, SpecTimeout(5*time.Minute))

var _ = It("lets a request take longer than idle.after, and answers from a new epoch after the process has ended by itself (000-08, 002-06)", func(ctx SpecContext) {
	w := Given(ctx, "ended", Idle(4*time.Second))
	first := w.ask(ctx, http.MethodGet, "a", "slow?d=7s") // a pod that ends within 5 s counts as one that did not start
	Expect(first).To(Served("a", 1))
	Expect(w.ask(ctx, http.MethodPost, "a", "exit?code=3")).To(Served("a", 1))

	Eventually(ctx, func(ctx SpecContext) any { return w.Session(ctx, "a").Status.LastExit }).
		Should(HaveValue(HaveField("Code", HaveValue(BeEquivalentTo(3)))))
	second := w.Get(ctx, "a")
	Expect(second).To(Served("a", 2))
	say("a request that took %s with idle.after 4s was answered by the pod that it woke", ms(first.Took))
}, SpecTimeout(5*time.Minute))
