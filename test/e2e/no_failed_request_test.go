package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// someTraffic is random traffic with pauses about as long as idle.after: keys fall asleep all the time, and a client comes
// back at any moment of that.
func someTraffic(w *world) traffic {
	GinkgoHelper()
	return traffic{world: w, keys: 20, clients: 8, think: 2 * time.Second, lasts: lasts("E2E_TRAFFIC", 2*time.Minute)}
}

var _ = It("fails no request while keys fall asleep and wake all the time (000-15, 000-16, 000-17, 000-61, 004-17, 004-21)", Label("long"), func(ctx SpecContext) {
	t := someTraffic(Given(ctx, "traffic", Idle(time.Second), Saved()))

	sleeps := t.audit(ctx, t.run(ctx))

	Expect(sleeps).To(BeNumerically(">=", int64(t.lasts/time.Second)), "at least one sleep a second, or this has proved little")
}, SpecTimeout(15*time.Minute))
