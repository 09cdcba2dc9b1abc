package lifecycle

import (
	"testing"
	"time"
)

// What serves on is saved once for each time that nobody needs it, and again before its stop (000-53).
func TestSavedWhileItServes(t *testing.T) {
	t.Parallel()
	w := &World{Observation: Typical()}
	w.published()
	w.pod()
	w.Template.SaveAfter = time.Minute
	for range 3 {
		w.Touch()
		if step := Next(w.Observation); step.Verb != Wait || step.Recheck != time.Minute {
			t.Errorf("%v, want to be looked at after a minute", step)
		}
		played, _ := w.Play(3)
		expect(t, deeds(played), Flush)
	}
	expect(t, verbs(t, w), Unpublish, Save, Stop, Record, Release)
}

// One that never sleeps would never be saved else (000-53).
func TestSavedThoughItNeverSleeps(t *testing.T) {
	t.Parallel()
	w := &World{Observation: Typical()}
	w.published()
	w.pod()
	w.Template.Restart.Policy, w.Template.SaveAfter = Permanent, time.Minute
	expect(t, verbs(t, w), Flush)
	w.Touch()
	expect(t, verbs(t, w), Flush)
}

// A save that fails is tried again while it serves, and does not keep it from its sleep (000-53).
func TestSavedInVainWhileItServes(t *testing.T) {
	t.Parallel()
	w := &World{Observation: Typical(), SaveFails: true}
	w.published()
	w.Touch()
	w.pod()
	w.Template.SaveAfter = DefaultIdleAfter - 2*time.Second
	played, _ := w.Play(8)
	expect(t, deeds(played)[:4], Flush, Flush, Unpublish, Save)
}

// A Task is not idle while it works: nobody ever needs it (000-53).
func TestTaskIsNotSavedWhileItWorks(t *testing.T) {
	t.Parallel()
	w := &World{Observation: Typical()}
	w.published()
	w.pod()
	w.Template.Task, w.Template.SaveAfter = true, time.Minute
	expect(t, verbs(t, w))
}

// While its workload says itself when it is idle, it may be needed all along without a touch (000-53).
func TestSavedByTheWordOfTheWorkload(t *testing.T) {
	t.Parallel()
	w := &World{Observation: Typical()}
	w.published()
	w.Touch()
	w.pod()
	hour := time.Hour
	w.Template.Restart.Policy, w.Template.SaveAfter, w.Session.IdleAfter = Permanent, time.Minute, &hour
	if step := Next(w.Observation); step.Verb != Wait || step.Recheck != hour {
		t.Errorf("%v, want to be looked at after an hour", step)
	}
}
