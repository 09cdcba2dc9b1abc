package lifecycle

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/next.golden anew")

func TestMachineIsAsInTheGoldenTable(t *testing.T) {
	var got bytes.Buffer
	if err := Print(&got); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/next.golden"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the machine changed; look at it with `go run ./hack/next`, and if it is meant: go test ./internal/lifecycle -update")
	}
}

// verbs plays the world to its end and gives what was done, without the waiting.
func verbs(t *testing.T, w *World) []Verb {
	t.Helper()
	played, rest := w.Play(100)
	if !rest {
		t.Fatalf("no rest after %d turns: %v", len(played), played)
	}
	return deeds(played)
}

// deeds are what was done, without the waiting.
func deeds(played []Played) (done []Verb) {
	for _, p := range played {
		if p.Step.Verb != Wait {
			done = append(done, p.Step.Verb)
		}
	}
	return done
}

func expect(t *testing.T, got []Verb, want ...Verb) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("did %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("did %v, want %v", got, want)
		}
	}
}

// A session wakes, serves, saves once and sleeps; and again with the next epoch (000-55, 002-10).
func TestOneTouchIsOneWakeAndOneSleep(t *testing.T) {
	w := &World{Observation: Typical()}
	w.Touch()
	expect(t, verbs(t, w), Create, Publish, Unpublish, Save, Stop, Record, Release)
	w.Touch()
	expect(t, verbs(t, w), Create, Publish, Unpublish, Save, Stop, Record, Release)
	if w.Session.Epoch != 2 {
		t.Errorf("epoch %d after two wakes", w.Session.Epoch)
	}
}

// A touch in a drain publishes the same pod again, and the next sleep saves again (000-11, 000-12).
func TestTouchTakesBackASleep(t *testing.T) {
	o, err := Situate("draining, unsaved", "running")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{Observation: o}
	w.Touch()
	expect(t, verbs(t, w), Publish, Unpublish, Save, Stop, Record, Release)
	if w.Session.Epoch != 1 {
		t.Errorf("epoch %d: another pod was made", w.Session.Epoch)
	}
}

// A start that fails is told, waits for its back-off, and then sleeps with its reason until somebody tries again (003-15).
func TestFailingStartBacksOff(t *testing.T) {
	w := &World{Observation: Typical(), StartFails: true}
	w.Touch()
	expect(t, verbs(t, w), Create, Record, Release)
	if w.Session.Phase != Asleep || w.Session.Reason != ReasonStartFailed || w.Session.Failures != 1 {
		t.Errorf("after a failed start: %+v", w.Session)
	}
	w.Touch()
	expect(t, verbs(t, w), Create, Record, Release)
	if w.Session.Failures != 2 {
		t.Errorf("failures %d after two failed starts", w.Session.Failures)
	}
}

// A pod that is killed while somebody needs the session is replaced at once; one that ends by itself with 0 is not; one that was
// killed while nobody needed it stays away (001-02, 001-06, 002-02, 002-05, 002-23, 003-17, 004-27).
func TestWhatFollowsAnEnd(t *testing.T) {
	for _, c := range []struct {
		session, pod string
		phase        Phase
		failures     int
	}{
		{"awake", "killed", Waking, 1},
		{"awake", "ended, code 1", Waking, 1},
		{"awake", "ended, code 0", Asleep, 0},
		{"awake", "evicted", Waking, 0},
		{"awake, idle", "killed", Asleep, 1},
		{"new, wanted", "ended, code 0", Failed, 1},
		{"stopping", "ended, code 1", Asleep, 0},
		{"stopping, touched", "killed", Waking, 0},
	} {
		o, err := Situate(c.session, c.pod)
		if err != nil {
			t.Fatal(err)
		}
		step := Next(o)
		if step.Verb != Record || step.Phase != c.phase || step.Failures != c.failures {
			t.Errorf("%s, %s: %+v, want %s with %d failures", c.session, c.pod, step, c.phase, c.failures)
		}
	}
}

// An outcome may put the next pod of a Task off: there is none until then, which is no failure, and it comes by itself (002-25).
func TestAnEndCanPutTheNextPodOff(t *testing.T) {
	o, err := Situate("a Task that runs", "ended, code 1")
	if err != nil {
		t.Fatal(err)
	}
	o.Session.Failures, o.Session.FailingSince = DefaultRestarts, o.Now.Add(-time.Minute)
	o.Template.Outcomes = []Outcome{{Codes: []int32{1}, Then: ThenComplete}, {Then: ThenRestart, After: time.Hour}}
	w := &World{Observation: o}
	played, _ := w.Play(3)
	if last := played[2].Step; last.Phase != Asleep || last.Reason != ReasonRestartsLater || last.Awaits != AwaitTime || last.Recheck != time.Hour {
		t.Errorf("after its end: %+v", last)
	}
	expect(t, verbs(t, w), Create, Publish)
	if waited := w.Now.Sub(o.Now); waited != time.Hour || w.Session.Failures != 0 {
		t.Errorf("the next pod came after %s, with %d failures", waited, w.Session.Failures)
	}
}

func TestBackoffDoublesToItsBound(t *testing.T) {
	for n, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 9: 256 * time.Second, 10: lastBackoff, 1000: lastBackoff} {
		if got := Backoff(n); got != want {
			t.Errorf("after %d failures: %v, want %v", n, got, want)
		}
	}
}

// A save that fails keeps the pod, and a forced drain gives up on it when its time is over (002-08).
func TestStateIsNeverTradedForMemory(t *testing.T) {
	o, err := Situate("draining, unsaved", "running")
	if err != nil {
		t.Fatal(err)
	}
	w := &World{Observation: o, SaveFails: true}
	if played, rest := w.Play(200); rest {
		t.Errorf("stopped without a save after %v", played[len(played)-1])
	}
	w.Session.Deleting = true
	got := verbs(t, w)
	if last := got[len(got)-1]; last != Forget {
		t.Errorf("a deleted session ends with %v", last)
	}
}

// The workload says when it is idle, in the place of the template, and for how long it works on (000-10, 000-26, 000-51, 000-57).
func TestIdleByTheWordOfTheWorkload(t *testing.T) {
	for _, c := range []struct {
		name      string
		idleAfter time.Duration // less than zero: it said nothing
		busy      time.Duration
		want      time.Duration // after the touch; the template says 5 minutes
	}{
		{"it said nothing", -1, 0, DefaultIdleAfter},
		{"it said 4 h", 4 * time.Hour, 0, 4 * time.Hour},
		{"it said 10 s", 10 * time.Second, 0, 10 * time.Second},
		{"it is busy for longer than its idle time", -1, 10 * time.Minute, 10 * time.Minute},
		{"it is busy for less than its idle time", -1, time.Minute, DefaultIdleAfter},
		{"it falls asleep when it is not busy any more", 0, 10 * time.Minute, 10 * time.Minute},
	} {
		w := &World{Observation: Typical()}
		w.published()
		w.Touch()
		w.pod().Address = true
		w.Session.BusyUntil = w.Now.Add(c.busy)
		if c.idleAfter >= 0 {
			w.Session.IdleAfter = &c.idleAfter
		}
		if step := Next(w.Observation); step.Verb != Wait || step.Recheck != c.want {
			t.Errorf("%s: %v, want to be looked at after %v", c.name, step, c.want)
		}
		expect(t, verbs(t, w), Unpublish, Save, Stop, Record, Release)
	}
}
