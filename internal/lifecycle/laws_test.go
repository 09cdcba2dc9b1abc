package lifecycle

import (
	"slices"
	"testing"
	"time"
)

// each is every combination of what can be observed, as far as it makes a difference to some rule.
func each(visit func(o Observation)) (count int) {
	for _, o := range sessions() {
		for _, o := range withPods(o) {
			for _, o := range withWorld(o) {
				count++
				visit(o)
			}
		}
	}
	return count
}

// cross gives every base with every variation.
func cross(bases []Observation, variations ...func(o *Observation)) []Observation {
	out := make([]Observation, 0, len(bases)*len(variations))
	for _, b := range bases {
		for _, v := range variations {
			o := b
			v(&o)
			out = append(out, o)
		}
	}
	return out
}

func same(*Observation) {}

func sessions() []Observation {
	all := []Observation{Typical()}
	var phases []func(o *Observation) // Waking and Draining mean to every rule what Awake does
	for _, p := range []Phase{"", Asleep, Queued, Awake, Hibernated, Stopping, Completed, Failed} {
		phases = append(phases, func(o *Observation) { o.Session.Phase = p; o.Session.Reason = ReasonStartFailed; o.Session.Epoch = 4 })
	}
	all = cross(all, phases...)
	all = cross(all, same, func(o *Observation) { o.Session.Deleting = true })
	all = cross(all, same, func(o *Observation) { o.Session.Touched = true })
	all = cross(all, same, func(o *Observation) { o.Session.PodUID = "pod" })
	all = cross(all, same,
		func(o *Observation) { o.Session.Published = true },
		func(o *Observation) { o.Session.Drained = true; o.Session.DrainedSince = o.Now.Add(-time.Second) },
		func(o *Observation) { o.Session.Drained = true; o.Session.DrainedSince = o.Now.Add(-time.Minute) },
		func(o *Observation) {
			o.Session.Drained, o.Session.Forced, o.Session.Deadline = true, true, o.Now.Add(forcedDrain)
		},
		func(o *Observation) {
			o.Session.Drained, o.Session.Forced, o.Session.Deadline = true, true, o.Now.Add(-time.Hour)
		})
	all = cross(all, same, func(o *Observation) { o.Session.Failures, o.Session.RetryAt = 2, o.Now.Add(-time.Second) })
	var timed []Observation
	for _, o := range all {
		timed = append(timed, withTimes(o)...)
	}
	return timed
}

// withTimes varies the times that only a pod that served is judged by, or a session that has none and is deleted.
func withTimes(o Observation) []Observation {
	all := []Observation{o}
	if !o.wasPublished() && o.Session.Deleting {
		return cross(all, same, func(o *Observation) { o.Session.LetGoAt = o.Now.Add(time.Second) })
	}
	if !o.wasPublished() {
		return all
	}
	all = cross(all, same, func(o *Observation) { o.Session.PublishedSince = o.Now.Add(-2 * time.Hour) })
	if !o.Session.Published {
		return all
	}
	all = cross(all, same, func(o *Observation) { o.Session.ActiveSince = o.Now.Add(-time.Hour) })
	told := cross([]Observation{o}, func(o *Observation) { o.Session.BusyUntil = o.Now.Add(time.Hour) },
		func(o *Observation) { // its start took longer than its idle time
			o.Session.ActiveSince, o.Session.PublishedSince = o.Now.Add(-time.Hour), o.Now.Add(-time.Minute)
		},
		func(o *Observation) { o.Session.IdleAfter = new(time.Duration) },
		func(o *Observation) {
			o.Session.IdleAfter, o.Session.BusyUntil = new(time.Duration), o.Now.Add(time.Hour)
		})
	return append(all, told...)
}

func withPods(o Observation) []Observation {
	var all []Observation
	for _, p := range Pods {
		with := cross([]Observation{o}, p.Set)
		if with[0].Pod == nil {
			all = append(all, with...)
			continue
		}
		all = append(all, with[0])
		for _, change := range []func(p *Pod){func(p *Pod) { p.Epoch++ }, func(p *Pod) { p.UID = "another" }, func(p *Pod) { p.Saves = false }, func(p *Pod) { p.Address = false }, func(p *Pod) { p.Deleting, p.Finished = true, false }} {
			other, pod := with[0], *with[0].Pod
			change(&pod)
			other.Pod = &pod
			all = append(all, other)
		}
	}
	return all
}

func withWorld(o Observation) []Observation {
	all := []Observation{o}
	if o.Pod == nil {
		all = cross(all, same, func(o *Observation) { o.Slot, o.Session.ActiveSince = false, o.Now.Add(-time.Hour) }, func(o *Observation) {
			o.Template = Template{IdleAfter: DefaultIdleAfter, WakeTimeout: DefaultWakeTimeout, Restart: o.Template.Restart}
		},
			func(o *Observation) { o.Session.Suspended = true }, func(o *Observation) { o.Session.Reason = ReasonGaveUp },
			func(o *Observation) { o.Session.Starts = Starts{Any: true, Due: true} },
			func(o *Observation) { o.Session.Starts = Starts{Any: true, News: true, Failed: true} },
			func(o *Observation) { o.Session.Starts = Starts{Any: true, Failed: true, Taken: true, Left: true} },
			func(o *Observation) { o.Session.Starts = Starts{Any: true, Done: true, News: true} },
			func(o *Observation) { o.Session.Starts = Starts{Any: true, Done: true, Left: true} },
			func(o *Observation) { o.Session.Starts = Starts{Any: true, Due: true, Barred: true} },
			func(o *Observation) {
				o.Session.Starts, o.Refused = Starts{Any: true, Due: true}, ReasonSessionRejected
			},
			lasting(time.Minute), lasting(2*time.Hour),
			func(o *Observation) { o.Slot = false }, func(o *Observation) { o.Slot, o.Full = false, Full{"limits.awake", true} },
			func(o *Observation) { o.Refused = ReasonPodRejected },
			func(o *Observation) { o.Beyond = "limits.sessions" }, beyondLimit(false), beyondLimit(true), follower,
			func(o *Observation) { o.Session.Failures, o.Session.RetryAt = 1, o.Now.Add(time.Second) },
			waiting, func(o *Observation) { o.Session.Misnamed = true }, func(o *Observation) { o.Session.Protected = false }, task, permanent)
		return all
	}
	return cross(all, same, func(o *Observation) { o.Sight = false }, func(o *Observation) { o.Evict = true },
		func(o *Observation) { o.Evict, o.Template.IdleAfter = true, 3*time.Hour },
		func(o *Observation) { o.Session.Suspended = true },
		func(o *Observation) { o.Template.HibernateAfter = 5 * time.Second },
		flushed, func(o *Observation) { flushed(o); o.Save.Done, o.Template.HibernateAfter = true, 5*time.Second },
		func(o *Observation) { flushed(o); o.Save.Failed, o.Save.RetryAt = true, o.Now.Add(time.Second) },
		func(o *Observation) {
			o.Session.AwakeSince, o.Template.Lifetime.Awake = o.Now.Add(-time.Hour), 59*time.Minute
		},
		func(o *Observation) {
			o.Template.Restart.Policy, o.Session.Failures, o.Session.FailingSince = Temporary, 1, o.Now.Add(-time.Second)
		},
		func(o *Observation) {
			o.Template.Outcomes = []Outcome{{Codes: []int32{0}, Then: ThenStart}, {Then: ThenFail}}
		},
		func(o *Observation) {
			o.Template.Task, o.Template.Outcomes = true, []Outcome{{Then: ThenRestart, After: time.Minute}}
		},
		func(o *Observation) { o.Save.Running = true }, func(o *Observation) { o.Save.Done = true },
		func(o *Observation) { o.Save.Failed, o.Save.RetryAt = true, o.Now.Add(time.Second) },
		func(o *Observation) { o.Save.Failed, o.Save.Running = true, true }, task, permanent)
}

// lasting has a session without a pod rest since an hour, and lets it for so long.
func lasting(asleep time.Duration) func(o *Observation) {
	return func(o *Observation) { o.Session.RestSince, o.Template.Lifetime.Asleep = o.Now.Add(-time.Hour), asleep }
}

// beyondLimit is a session that never began, and was refused for the number of sessions before, or was not.
func beyondLimit(told bool) func(o *Observation) {
	return func(o *Observation) {
		o.beyond()
		o.Session.Protected, o.Session.Epoch, o.Session.Made = false, 0, o.Session.Drained || o.Session.Failures > 0
		if told {
			o.Session.Reason = ReasonBeyondLimit
		}
	}
}

// follower never began either, is beyond the same limit, and may not sleep for long.
func follower(o *Observation) {
	beyondLimit(true)(o)
	o.Session.Made, o.Session.Follows = false, true
	lasting(time.Minute)(o)
}

// flushed is to be saved when nobody has needed it for a while.
func flushed(o *Observation) { o.Template.SaveAfter = 5 * time.Second }

// waiting is a Task whose next pod an outcome has put off.
func waiting(o *Observation) {
	task(o)
	o.Session.Phase, o.Session.Reason, o.Session.RetryAt = Asleep, ReasonRestartsLater, o.Now.Add(time.Minute)
}

// task and permanent are up without demand.
func task(o *Observation)      { o.Template.Task = true }
func permanent(o *Observation) { o.Template.Restart.Policy = Permanent }

// law says what must hold for every observation and the step that answers it.
type law struct {
	name  string
	holds func(o *Observation, s Step) bool
}

var laws = []law{
	{"a pod is created only where there is none, for a session that is wanted (000-03, 001-19)", func(o *Observation, s Step) bool {
		return s.Verb != Create || o.Pod == nil && o.wanted() && o.Slot && o.Session.Protected && !o.Now.Before(o.Session.RetryAt)
	}},
	{"nothing is stopped or deleted while it is published", func(o *Observation, s Step) bool {
		return s.Verb != Stop && (s.Verb != Delete || !o.current()) || !o.Session.Published
	}},
	{"a busy workload is not unpublished, unless its pod or its session goes, or must rest (000-26, 000-63)", func(o *Observation, s Step) bool {
		return s.Verb != Unpublish || !o.Session.Published || !o.Now.Before(o.Session.BusyUntil) || o.Session.Deleting || o.Pod.Deleting || o.mustRest()
	}},
	{"a wanted pod is not stopped, unless by force (000-12)", func(o *Observation, s Step) bool {
		return s.Verb != Stop || !o.wanted() || o.Session.Forced
	}},
	{"the pod of now is deleted only after Stopping is committed", func(o *Observation, s Step) bool {
		return s.Verb != Delete || !o.current() || o.Session.Phase == Stopping
	}},
	{"a pod that served is stopped only when every gateway has seen the unpublish (000-11)", func(o *Observation, s Step) bool {
		return s.Verb != Stop || !o.wasPublished() || o.Sight && o.Session.Drained
	}},
	{"a pod that served is stopped only when its state is saved, or a forced save had its time (002-08)", func(o *Observation, s Step) bool {
		return s.Verb != Stop || !o.wasPublished() || !o.Pod.Saves || o.Save.Done || o.Session.Deleting && o.Session.Forced && o.Now.After(o.Session.Deadline)
	}},
	{"state is saved after the last request, never before", func(o *Observation, s Step) bool {
		return s.Verb != Save || o.Sight && !o.Session.Published && (!o.wanted() || o.Session.Forced)
	}},
	{"one that serves is saved only when nobody has needed it for a while, and not twice in that time (000-53)", func(o *Observation, s Step) bool {
		said := o.Session.IdleAfter
		rests := !o.Now.Before(o.idleFor(o.Template.SaveAfter)) && (said == nil || !o.Now.Before(o.idleFor(*said)))
		due := o.Template.SaveAfter > 0 && rests && !o.Save.Done && !o.Save.Running
		return s.Verb != Flush || due && o.Session.Published && o.current() && o.Pod.Saves && !o.Pod.Deleting && !o.Pod.Ended
	}},
	{"one that serves, and that nobody has needed for that while, is saved, or that was tried just now (000-53)", func(o *Observation, s Step) bool {
		serves := s.Reason == ReasonServing || s.Reason == ReasonHibernated
		if s.Verb != Wait || !serves || !o.Session.Published || !o.Pod.Saves || o.Template.Task || o.Template.SaveAfter == 0 {
			return true
		}
		tried := o.Save.Running || o.Save.Done || o.Save.Failed && o.Now.Before(o.Save.RetryAt)
		return tried || o.Now.Before(o.flushAt())
	}},
	{"only the pod of now is published, running and with an address", func(o *Observation, s Step) bool {
		return s.Verb != Publish || o.current() && o.Pod.Address && !o.Pod.Ended && !o.Pod.Deleting && !o.Session.Deleting
	}},
	{"no pod of another Session is published, saved or stopped as this one's (004-11)", func(o *Observation, s Step) bool {
		return o.Pod == nil || o.Pod.Mine || s.Verb != Publish && s.Verb != Unpublish && s.Verb != Save && s.Verb != Flush && s.Verb != Stop
	}},
	{"no clock says in a drain whether a session is wanted (000-12)", func(o *Observation, s Step) bool {
		return s.Verb != Publish || !o.wasPublished() || o.Session.Touched || o.keptUp()
	}},
	{"nobody needs a session that has not been published for its idle time, unless it goes, must rest, or make room (000-20)", func(o *Observation, s Step) bool {
		early := s.Verb == Unpublish && o.Session.Published && o.Now.Before(o.Session.PublishedSince.Add(o.idleAfter()))
		return !early || s.Forced || o.Evict || o.Pod.Deleting || o.Session.Deleting
	}},
	{"a name is freed only when no process can run under it (001-19)", func(o *Observation, s Step) bool {
		return s.Verb != Release || o.Pod.Ended && !o.current()
	}},
	{"an end is recorded only where there was one", func(o *Observation, s Step) bool {
		return s.Verb != Record || o.Pod != nil && o.Pod.Ended || o.Pod == nil && o.wasPublished()
	}},
	{"a deleted session is let go only without a pod", func(o *Observation, s Step) bool {
		return s.Verb != Forget || o.Session.Deleting && o.Pod == nil && o.Session.PodUID == ""
	}},
	{"a session that has come to its end for good is never woken again (000-58)", func(o *Observation, s Step) bool {
		return s.Verb != Create || !o.over()
	}},
	{"a session is deleted only when it has rested for its lifetime, and nobody wants it", func(o *Observation, s Step) bool {
		return s.Verb != Expire || s.Reason == ReasonBeyondLimit && o.Session.Made || o.Pod == nil && !o.wanted() && o.Template.Lifetime.Asleep > 0 && !o.Now.Before(o.Session.RestSince.Add(o.Template.Lifetime.Asleep))
	}},
	{"others are started only by a session that has completed (002-03), or that ran and is deleted (002-19)", func(o *Observation, s Step) bool {
		ended := o.Session.Phase == Completed || o.Session.Deleting && o.Session.Epoch > 0
		return s.Verb != Start || ended && o.Session.Starts.Due && o.Pod == nil
	}},
	{"a deleted session is let go only when its last sessions have completed and are gone, if it ran and any can be made (002-19)", func(o *Observation, s Step) bool {
		last := o.Session.Starts
		return s.Verb != Forget || o.Session.Epoch == 0 || !last.Any || last.Barred || last.Done && !last.Left
	}},
	{"last sessions are deleted only when all have completed and are reported so (002-19, 002-20)", func(o *Observation, s Step) bool {
		return s.Verb != Clear || o.Session.Deleting && o.Session.Starts.Done && !o.Session.Starts.News
	}},
	{"an interruption is no failure (002-23)", func(o *Observation, s Step) bool {
		return s.Verb != Record || o.Pod == nil || o.Pod.Exit != ExitInterrupted || s.Failures <= o.Session.Failures
	}},
	{"a pod is small only while it is published and nobody needs it (000-54)", func(o *Observation, s Step) bool {
		return s.Verb != Shrink || o.Session.Published && !o.Now.Before(o.hibernateAt()) && o.current() && !o.Pod.Deleting
	}},
	{"a pod that is needed gets its resources back (000-55)", func(o *Observation, s Step) bool {
		return s.Reason != ReasonHibernated || !o.Now.Before(o.hibernateAt()) || !o.Session.Published
	}},
	{"what is reported once does not lead to another report", func(o *Observation, s Step) bool {
		if s.Verb != Wait && s.Verb != Save && s.Verb != Flush {
			return true
		}
		told := *o
		told.Session.Phase, told.Session.Reason, told.Session.Limit = s.Phase, s.Reason, s.Limit
		again := Next(told)
		return again.Phase == s.Phase && again.Reason == s.Reason && again.Limit == s.Limit && again.Awaits == s.Awaits && again.Kept == s.Kept
	}},
	{"only one that nobody needs makes room, if it is asked to, and demand takes that back too (000-12, 000-56)", func(o *Observation, s Step) bool {
		early := s.Verb == Unpublish && o.wanted() && !o.Pod.Deleting && !o.mustRest()
		return !early || o.Evict && !s.Forced && !o.Now.Before(o.idleFor(o.idleAfter()/2))
	}},
	{"a refusal for a limit names it, spends the demand, and counts nothing (000-60)", func(o *Observation, s Step) bool {
		return s.Reason != ReasonLimitReached || s.Verb != Settle || s.Limit != "" && o.wanted() && s.Failures == 0 && s.RetryAt.IsZero()
	}},
	{"a session beyond its limit gets no pod, and nothing that comes before one (000-60)", func(o *Observation, s Step) bool {
		return o.Beyond == "" || o.begun() || s.Verb == Wait || s.Verb == Settle || s.Verb == Expire
	}},
	{"one that has begun is not refused for the number of sessions", func(o *Observation, s Step) bool {
		return s.Reason != ReasonBeyondLimit || o.Session.Reason == ReasonBeyondLimit || !o.begun()
	}},
	{"one beyond its limit is removed only if a request made it, and when that was told (000-60)", func(o *Observation, s Step) bool {
		if s.Verb != Expire || s.Reason != ReasonBeyondLimit || o.Template.Lifetime.Asleep > 0 {
			return true
		}
		told := o.Session.Reason == ReasonBeyondLimit && (o.Session.Phase != Queued || !o.Now.Before(o.Session.DrainedSince.Add(toldOf)))
		return o.Session.Made && !o.Session.Touched && told && !o.begun()
	}},
	{"Recheck is exact", exact},
}

// exact: 1 ns before its time the answer is the same, at its time it is another, and without one a day changes nothing.
func exact(o *Observation, s Step) bool {
	answer := func(after time.Duration) Step {
		later := *o
		later.Now = o.Now.Add(after)
		step := Next(later)
		step.Recheck = 0
		step.Deadline, step.RetryAt, step.Since = time.Time{}, time.Time{}, time.Time{} // they are relative to now
		return step
	}
	now := answer(0)
	if s.Verb != Wait {
		return s.Recheck == 0 || s.Verb == Save || s.Verb == Flush // what is done now is asked again after it is done
	}
	if s.Recheck == 0 {
		return answer(24*time.Hour) == now
	}
	return answer(s.Recheck-1) == now && answer(s.Recheck) != now
}

func TestLaws(t *testing.T) {
	t.Parallel()
	const enough = 10
	broken, laws := map[string]int{}, slices.Concat(laws, sayings)
	count := each(func(o Observation) {
		step := Next(o)
		for _, l := range laws {
			if l.holds(&o, step) {
				continue
			}
			if broken[l.name]++; broken[l.name] <= 3 {
				t.Errorf("%s\n  session %+v\n  pod %+v\n  sight %v save %+v\n  step %+v", l.name, o.Session, o.Pod, o.Sight, o.Save, step)
			}
			if broken[l.name] == enough {
				t.Fatalf("broken so often, and the rest is not looked at: %s", l.name)
			}
		}
	})
	for name, n := range broken {
		t.Errorf("broken in %d of %d observations: %s", n, count, name)
	}
	t.Logf("%d laws over %d observations", len(laws), count)
}

// From anywhere, without new demand, a session falls asleep in a bounded number of turns (000-49, 001-11).
func TestFallsAsleepFromAnywhere(t *testing.T) {
	t.Parallel()
	const most = 40
	failures, longest := 0, 0
	count := each(func(o Observation) {
		if failures > 3 || o.keptUp() || o.Beyond != "" && o.waitsItsTurn() {
			return
		}
		w := World{Observation: o}
		if o.Pod != nil {
			pod := *o.Pod
			w.Pod = &pod
		}
		played, rest := w.Play(most)
		longest = max(longest, len(played))
		gone := w.Session.Deleting && !w.Session.Protected
		held := w.Session.Deleting && w.Session.Starts.Failed // until somebody mends it
		over := gone || held || w.Session.Phase == Asleep || w.Session.Phase == "" || w.over()
		if wordsCostNothing(t, played) && rest && w.Pod == nil && over {
			return
		}
		failures++
		t.Errorf("rest %v, pod %+v, session %+v\n  from session %+v\n  pod %+v", rest, w.Pod, w.Session, o.Session, o.Pod)
		for _, p := range played[:min(len(played), 12)] {
			t.Logf("  %8v %-9s %-9s %s", p.At, p.Step.Verb, p.Step.Phase, p.Rule)
		}
	})
	t.Logf("from %d observations, at most %d turns", count, longest)
}

// From anywhere, a session that is up without demand is up in the end, or over (001-03, 004-27).
func TestUpFromAnywhere(t *testing.T) {
	t.Parallel()
	const most = 60
	failures := 0
	each(func(o Observation) {
		if failures > 3 || !o.keptUp() || o.Session.Deleting || o.Beyond != "" && !o.Session.Protected && o.Session.Epoch == 0 {
			return
		}
		w := World{Observation: o}
		if o.Pod != nil {
			pod := *o.Pod
			w.Pod = &pod
		}
		played, _ := w.Play(most)
		if wordsCostNothing(t, played) && (w.over() || w.Session.Published && w.Pod != nil && !w.Pod.Deleting) {
			return
		}
		failures++
		t.Errorf("pod %+v, session %+v\n  from session %+v\n  pod %+v", w.Pod, w.Session, o.Session, o.Pod)
	})
}
