package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("brings the state back after a sleep, in a new pod of epoch 2 (000-05, 000-09, 000-14, 000-24, 004-01, 004-21)", func(ctx SpecContext) {
	w := Given(ctx, "sleep", Idle(time.Second), Saved())
	w.Count(ctx, "a")
	first := w.Count(ctx, "a")
	Expect(first).To(Served("a", 1))
	Expect(first.Count).To(BeEquivalentTo(2))
	Expect(w.Show(ctx, "awake")).To(MatchRegexp(`(?m)^NAME\s+STATE\s+READY\s+REASON\s+EPOCH\s+LAST ACTIVE\s+AGE\nroom\.a\s+Awake\s+True\s+Serving\s+1\s`))

	s := w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)

	Eventually(ctx, w.pods).Should(BeEmpty(), "a session that sleeps has no pod")
	Expect(s.Status.LastExit.Reason).To(Equal("Slept"))
	Expect(w.Show(ctx, "asleep")).To(MatchRegexp(`(?m)^room\.a\s+Asleep\s+False\s+Asleep\s+1\s`))
	count, _ := state.saved(w.record("a"))
	Expect(count).To(BeEquivalentTo(2))

	second := w.Get(ctx, "a")
	Expect(second).To(Served("a", 2))
	Expect(second.UID).NotTo(Equal(first.UID))
	Expect(second.Count).To(BeEquivalentTo(2))
	say("woken again in %s, with the state", ms(second.Took))
}, SpecTimeout(5*time.Minute))
