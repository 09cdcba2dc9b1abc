package lifecycle

import (
	"testing"
	"time"
)

// What a session says is true, and whoever waits or is up says something.
var sayings = []law{
	{"whoever is wanted and is not served for longer than a quick wake says what it waits for", func(o *Observation, s Step) bool {
		quick := s.Recheck > 0 && s.Recheck <= quietWake
		served := s.Phase == Awake || s.Phase == Hibernated
		return s.Verb != Wait || !o.wanted() || quick || served || s.Awaits != ""
	}},
	{"whoever is up, and nobody else, says why it is not put to sleep (000-10, 000-26)", func(o *Observation, s Step) bool {
		stays := s.Verb == Wait || s.Verb == Shrink || s.Verb == Grow || s.Verb == Flush
		up := s.Verb == Publish || stays && (s.Phase == Awake || s.Phase == Hibernated) && o.Session.Published && o.current() && !o.Pod.Ended
		return up == (s.Kept != "")
	}},
	{"whoever says that it is busy is, and for longer than it is needed (000-26)", func(o *Observation, s Step) bool {
		return s.Kept != KeptBusy || o.Session.BusyUntil.After(o.Now) && !o.keptUp()
	}},
	{"whoever is served, or has fallen asleep, waits for nothing but a word on its end", func(o *Observation, s Step) bool {
		served := s.Kept != ""
		rests := s.Phase == Asleep && s.Verb == Wait && o.Pod == nil && !o.wanted()
		return !(served || rests) || s.Awaits == ""
	}},
	{"a pod that has not ended is a reason only where there is one", func(o *Observation, s Step) bool {
		return s.Reason != ReasonPodNotEnded || s.Verb != Wait || o.Pod != nil || o.Session.Deleting
	}},
	{"a node is waited for only while its pod may run (001-19)", func(o *Observation, s Step) bool {
		return s.Awaits != AwaitNode && s.Awaits != AwaitEnd || o.Pod != nil && !o.Pod.Ended
	}},
}

// wordsCostNothing says whether the words of a session came with writes that are made anyway, but for an end that holds up the
// next pod: nothing else tells of it.
func wordsCostNothing(t *testing.T, played []Played) bool {
	t.Helper()
	for i := 1; i < len(played); i++ {
		a, b := played[i-1].Step, played[i].Step
		hold := a.Awaits == AwaitEnd || a.Awaits == AwaitNode || a.Awaits == AwaitTemplate
		if (a.Awaits != b.Awaits || a.Kept != b.Kept) && !hold && !written(a, b) {
			t.Errorf("%v, and then\n  %v, of its own", a, b)
			return false
		}
	}
	return true
}

// written says whether the second of two turns writes a status, whatever it says.
func written(a, b Step) bool {
	switch b.Verb {
	case Publish, Unpublish, Settle, Record, Fail, Follow:
		return true
	}
	return a.Phase != b.Phase || a.Reason != b.Reason || a.Limit != b.Limit
}

// A session says who keeps it up by what was said last: time changes it only where it ends (000-10, 000-26).
func TestWhyItIsNotIdle(t *testing.T) {
	for _, c := range []struct {
		name string
		set  func(o *Observation)
		want Kept
	}{
		{"needed", func(*Observation) {}, KeptNeeded},
		{"told when it is idle", func(o *Observation) { o.Session.IdleAfter = new(time.Duration) }, KeptTold},
		{"busy for longer than it is needed", func(o *Observation) { o.Session.BusyUntil = o.Now.Add(DefaultIdleAfter + 1) }, KeptBusy},
		{"busy for less", func(o *Observation) { o.Session.BusyUntil = o.Now.Add(DefaultIdleAfter) }, KeptNeeded},
		{"busy, and idle at once otherwise", func(o *Observation) {
			o.Session.IdleAfter, o.Session.BusyUntil = new(time.Duration), o.Now.Add(1)
		}, KeptBusy},
		{"a Task", task, KeptTask},
		{"Permanent", permanent, KeptPermanent},
	} {
		w := &World{Observation: Typical()}
		w.Touch()
		w.pod().Address = true
		c.set(&w.Observation)
		step := Next(w.Observation)
		if step.Verb != Publish || step.Kept != c.want {
			t.Errorf("%s: %+v at its publication, want %s", c.name, step, c.want)
		}
		w.report(step)
		if step = Next(w.Observation); step.Verb == Wait && step.Kept != c.want {
			t.Errorf("%s: %+v after it, want %s", c.name, step, c.want)
		}
	}
}
