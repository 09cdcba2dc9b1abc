package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("takes back a sleep when a request comes while the state is being saved (000-11, 000-12)", func(ctx SpecContext) {
	w := Given(ctx, "cancel", Idle(time.Second), Saved())
	arrived, release := state.hold(w.record("a"))
	defer release()
	first := w.Count(ctx, "a")
	Expect(first).To(Served("a", 1))

	Eventually(ctx, arrived).Should(BeClosed(), "the state is saved")
	Expect(w.Session(ctx, "a").Status.Phase).To(Equal(v1alpha1.PhaseDraining))
	second := w.Count(ctx, "a") // the save still runs: the store holds it

	Expect(second).To(Served("a", 1))
	Expect(second.UID).To(Equal(first.UID), "the same pod answers")
	Expect(second.Took).To(BeNumerically("<", 10*time.Second), "and does not wait for the save")
	Expect(w.Session(ctx, "a").Status.Phase).To(Equal(v1alpha1.PhaseAwake), "the sleep is off")
	Expect(w.Pod(ctx, "a").DeletionTimestamp).To(BeNil())

	release()
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	count, refused := state.saved(w.record("a"))
	Expect(count).To(BeEquivalentTo(2), "the next sleep saves again")
	Expect(refused).To(BeZero())
	say("a request during the save was answered in %s", ms(second.Took))
}, SpecTimeout(5*time.Minute))
