package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("keeps a session awake for as long as its workload says that it works on (000-26, 000-63)", func(ctx SpecContext) {
	const busy = 6 * time.Second
	w := Given(ctx, "busy", Idle(time.Second))
	first := w.Get(ctx, "a")
	Expect(first).To(Served("a", 1))

	said := w.ask(ctx, http.MethodGet, "a", "set?busy=6s")
	began := time.Now()
	Expect(said).To(Served("a", 1))
	Expect(said.Header).NotTo(HaveKey(v1alpha1.HeaderBusy), "that is between pod and gateway")
	Consistently(ctx, func(ctx SpecContext) v1alpha1.SessionPhase { return w.Session(ctx, "a").Status.Phase }).
		WithTimeout(busy-time.Second-time.Since(began)).WithPolling(50*time.Millisecond).
		Should(Equal(v1alpha1.PhaseAwake), "nobody asks, and it is busy")
	Expect(w.Session(ctx, "a").Status.Activity.Busy).NotTo(BeNil())
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	say("a session that idles after 1 s, and said that it is busy for %s, was asleep after %s", busy, time.Since(began).Round(time.Millisecond))
}, SpecTimeout(5*time.Minute))

var _ = It("lets a workload say that it is idle, in the place of its template (000-10, 000-51, 000-57)", func(ctx SpecContext) {
	w := Given(ctx, "idle", Idle(time.Hour))
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	said := w.ask(ctx, http.MethodGet, "a", "set?idle=0")
	began := time.Now()
	Expect(said).To(Served("a", 1))
	Expect(said.Header).NotTo(HaveKey(v1alpha1.HeaderIdleAfter), "that is between pod and gateway")
	Eventually(ctx, func(ctx SpecContext) v1alpha1.SessionPhase { return w.Session(ctx, "a").Status.Phase }).
		WithPolling(10 * time.Millisecond).ShouldNot(Equal(v1alpha1.PhaseAwake))
	say("a session that idles after an hour began to fall asleep %s after it was told to", ms(time.Since(began)))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)

	Expect(w.Get(ctx, "a")).To(Served("a", 2))
	Expect(w.ask(ctx, http.MethodGet, "a", "set?idle=2s")).To(Served("a", 2))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
}, SpecTimeout(5*time.Minute))
