package lifecycle

import (
	"slices"
	"testing"
)

// From anywhere, a deleted session whose last sessions complete is let go at last, and not before; one of which one has failed is held,
// until somebody mends that (002-19).
func TestDeletedGoesWhenItsLastSessionsHaveCompleted(t *testing.T) {
	t.Parallel()
	const most = 40
	went, held := 0, 0
	for _, o := range deleted() {
		w := World{Observation: o}
		done := played(t, &w, most)
		if o.Session.Starts.Failed && o.Session.Epoch > 0 {
			held++
			if slices.Contains(done, Forget) || slices.Contains(done, Clear) {
				t.Fatalf("did %v although a last session has failed\n  from session %+v", done, o.Session)
			}
			w.Session.Starts = Starts{Any: true, Due: true}
			done = played(t, &w, most)
		}
		went++
		if last := done[len(done)-1]; last != Forget {
			t.Fatalf("did %v, and is not let go\n  from session %+v", done, o.Session)
		}
	}
	if went == 0 || held == 0 {
		t.Errorf("%d went and %d were held: nothing was tried", went, held)
	}
}

// deleted are all that have no pod, are deleted, and have last sessions.
func deleted() (all []Observation) {
	for _, s := range sessions() {
		for _, o := range withWorld(s) {
			if o.Session.Deleting && o.Session.Protected && o.Session.Starts.Any {
				all = append(all, o)
			}
		}
	}
	return all
}

// played is what was done until nothing changes any more, without the waiting.
func played(t *testing.T, w *World, most int) []Verb {
	t.Helper()
	turns, rest := w.Play(most)
	if !rest {
		t.Fatalf("no rest after %d turns from session %+v", most, w.Session)
	}
	return deeds(turns)
}

// A deleted session that served is drained and saved before its last sessions are made; they are deleted before it goes (002-19, 002-20).
func TestDestroyIsTheLastOfTheWorkflow(t *testing.T) {
	o, err := Situate("awake, deleted", "running")
	if err != nil {
		t.Fatal(err)
	}
	o.Session.Starts = Starts{Any: true, News: true, Due: true}
	w := &World{Observation: o}
	expect(t, verbs(t, w), Unpublish, Save, Stop, Record, Release, Follow, Start, Follow, Clear, Forget)
}

// What it waits for is said.
func TestDestroySaysWhatItWaitsFor(t *testing.T) {
	for _, c := range []struct {
		last    Starts
		refused Reason
		want    Reason
	}{
		{Starts{Any: true}, "", ReasonDestroying},
		{Starts{Any: true, Due: true}, ReasonPodRejected, ReasonDestroying},
		{Starts{Any: true, Due: true}, ReasonSessionRejected, ReasonSessionRejected},
		{Starts{Any: true}, ReasonSessionRejected, ReasonDestroying},
		{Starts{Any: true, Failed: true}, "", ReasonStartedFailed},
		{Starts{Any: true, Failed: true, Taken: true}, "", ReasonSessionNameTaken},
	} {
		o := Typical()
		o.destroyed(c.last)
		o.Refused = c.refused
		if step := Next(o); step.Phase != Stopping || step.Reason != c.want {
			t.Errorf("%+v, refused %q: %v, want Stopping, %s", c.last, c.refused, step, c.want)
		}
	}
}
