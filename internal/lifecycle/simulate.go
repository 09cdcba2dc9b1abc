package lifecycle

import (
	"strconv"
	"time"
)

// World plays the parts around the core in a simulation: the API server, the kubelet, the gateways, the save hook.
// It does what a Step says and lets each part answer at once, unless the scenario changed that part's manners.
type World struct {
	Observation
	StartFails  bool // pods end by themselves with an error before they serve
	SaveFails   bool // the save hook answers an error
	GatewayLate bool // a gateway does not say that it has seen the unpublish
	pods        int
}

// Played is one turn of a simulation.
type Played struct {
	At   time.Duration // since the start
	Rule string
	Step Step
}

// Play carries the world to where nothing changes any more by itself, or through most turns. It says whether it came to rest.
func (w *World) Play(most int) (played []Played, rest bool) {
	start := w.Now
	for range most {
		step, rule := Explain(w.Observation)
		played = append(played, Played{w.Now.Sub(start), rule, step})
		before := w.state()
		w.report(step)
		w.act(step)
		w.answer()
		switch {
		case w.state() != before:
		case step.Recheck > 0:
			w.Now = w.Now.Add(step.Recheck)
		default:
			return played, true
		}
	}
	return played, false
}

// state is all that a turn can change, but the time.
type state struct {
	session Session
	pod     Pod
	sight   bool
	save    SaveState
}

func (w *World) state() state {
	now := state{session: w.Session, sight: w.Sight, save: w.Save}
	if w.Pod != nil {
		now.pod = *w.Pod
	}
	return now
}

// report does to the Session what the operator writes for a step.
func (w *World) report(step Step) {
	s := &w.Session
	s.Phase, s.Reason, s.Limit = step.Phase, step.Reason, step.Limit
	switch step.Verb {
	case Publish:
		s.Published, s.PodUID, s.Epoch, s.Drained, s.Forced = true, w.Pod.UID, w.Pod.Epoch, false, false
		s.PublishedSince, w.Save, w.Sight = w.Now, SaveState{}, false
	case Unpublish:
		s.Published, s.Drained, s.Touched = false, true, false
		s.Forced, s.Deadline, s.DrainedSince = step.Forced, step.Deadline, w.Now
		w.Save = SaveState{}
	case Settle:
		s.Drained, s.Touched, s.DrainedSince = true, false, w.Now
	case Record, Fail:
		s.Published, s.PodUID = false, ""
		s.Failures, s.FailingSince, s.RetryAt = step.Failures, step.Since, step.RetryAt
		s.RestSince = w.Now
		if w.Pod != nil {
			s.Epoch = max(s.Epoch, w.Pod.Epoch)
		}
		if step.Settle {
			s.Drained, s.Touched = true, false
		}
	}
}

// act does to the rest of the world what the operator does for a step.
func (w *World) act(step Step) {
	switch step.Verb {
	case Protect:
		w.Session.Protected = true
	case Forget:
		w.Session = Session{}
	case Expire:
		w.Session.Deleting = true
	case Start:
		w.Session.Starts.Due = false
	case Follow:
		w.Session.Starts.News = false
	case Clear:
		w.Session.Starts.Left = false
	case Save, Flush:
		w.Save.Running = true
	default:
		w.actOnPod(step)
	}
}

func (w *World) actOnPod(step Step) {
	switch step.Verb {
	case Create:
		w.pods++
		w.Pod = &Pod{UID: "pod-" + strconv.Itoa(w.pods), Epoch: w.Session.Epoch + 1, Mine: true, Since: w.Now, Saves: true}
	case Shrink, Grow:
		w.Pod.Small = step.Verb == Shrink
	case Release:
		w.Pod = nil
	case Stop, Delete, Fail:
		if w.Pod != nil {
			w.Pod.Deleting, w.Pod.OverdueAt = true, w.Now.Add(forcedDrain)
		}
	}
}

// complete has the sessions that were made do their work.
func (w *World) complete() {
	if s := &w.Session.Starts; s.Any && !s.Due && !s.News && !s.Failed && !s.Done {
		s.Done, s.News, s.Left = true, true, w.Session.Deleting
	}
}

// answer lets the kubelet, the gateways and other sessions do their part.
func (w *World) answer() {
	w.complete()
	w.Sight = w.Session.Drained && !w.GatewayLate
	if w.Save.Running {
		w.Save = SaveState{Done: !w.SaveFails, Failed: w.SaveFails, RetryAt: w.Now.Add(time.Second)}
	}
	p := w.Pod
	switch {
	case p == nil || p.Ended:
	case p.Deleting:
		p.Ended, p.EndedAt, p.Finished, p.Exit = true, w.Now, true, ExitInterrupted
	case w.StartFails:
		p.Ended, p.EndedAt, p.Exit = true, w.Now, ExitAbnormal
	case !p.Address:
		p.Address = true
	}
}

// Touch is demand that comes now.
func (w *World) Touch() {
	w.Session.Touched, w.Session.ActiveSince = true, w.Now
	if w.Session.Published {
		w.Save = SaveState{}
	}
}
