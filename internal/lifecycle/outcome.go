package lifecycle

import (
	"slices"
	"time"
)

// Outcome is a rule of a template: what follows from an end.
type Outcome struct {
	Codes   []int32 // exit codes that match
	Reasons []string
	Then    Then
	After   time.Duration // of a Restart: not before; zero: at once
}

// Then is what follows from an end.
type Then string

// What can follow, in the words of the API.
const (
	ThenRestart  Then = "Restart"
	ThenSleep    Then = "Sleep"
	ThenComplete Then = "Complete"
	ThenFail     Then = "Fail"
	ThenStart    Then = "Start"
)

// Starts is how far the sessions are that follow from the end of this one; or, of one that is deleted, its last sessions.
type Starts struct {
	Any    bool // there are some
	Due    bool // one of them is to be made now
	News   bool // what is reported of them is old
	Done   bool // all have completed
	Failed bool // one has failed for good, or is gone

	Taken  bool // of last sessions: another session has the name of one
	Left   bool // of last sessions: one is still there
	Barred bool // of last sessions: no session can be made any more, for the namespace goes
}

// vanished is why a pod ended of which nothing is left to ask.
const vanished = "Vanished"

// outcome is the first rule that matches how the pod ended, and its number from 1. A rule that names neither codes nor reasons
// matches every end by itself. One that Kubernetes brought about is matched only by a rule that names its reason: whatever code the
// process had then, its work is not done.
func (o *Observation) outcome(exit Exit) (Then, int) {
	why, code, coded := vanished, int32(0), false
	if o.Pod != nil {
		why, code, coded = o.Pod.Why, o.Pod.Code, o.Pod.Coded
	}
	for i, rule := range o.Template.Outcomes {
		byItself := len(rule.Codes)+len(rule.Reasons) == 0 || coded && slices.Contains(rule.Codes, code)
		if byItself && exit != ExitInterrupted || slices.Contains(rule.Reasons, why) {
			return rule.Then, i + 1
		}
	}
	return "", 0
}

// follow is what a rule of the template makes of an end, if one matches.
func (o *Observation) follow(exit Exit) (Step, bool) {
	then, number := o.outcome(exit)
	step := Step{Verb: Record, Phase: Completed, Reason: ReasonCompleted, Settle: true}
	switch then {
	case ThenRestart:
		if after := o.Template.Outcomes[number-1].After; after > 0 {
			return o.putOff(after), true
		}
		return o.eager().replaced(exit), true
	case ThenSleep:
		return o.rested(exit), true
	case ThenComplete:
		return step, true
	case ThenFail:
		step.Phase, step.Reason, step.Failures = Failed, ReasonGaveUp, o.Session.Failures
		if exit != ExitInterrupted {
			step.Failures++
		}
		return step, true
	case ThenStart:
		step.Reason, step.Outcome = ReasonStartingOthers, number
		return step, true
	}
	return step, false
}

// putOff is the end of a pod whose successor is to come later. It is no failure, and ends what failed before.
func (o *Observation) putOff(after time.Duration) Step {
	return Step{Verb: Record, Phase: Asleep, Reason: ReasonRestartsLater, Awaits: AwaitTime, Settle: true, RetryAt: o.Now.Add(after)}
}

// eager is the same with a policy that restarts: an outcome decides before the policy does.
func (o *Observation) eager() *Observation {
	eager := *o
	eager.Template.Restart.Policy = Transient
	return &eager
}

// replaced is the end of a pod that is replaced. An interruption counts towards nothing.
func (o *Observation) replaced(exit Exit) Step {
	if exit == ExitInterrupted {
		return o.again(o.Session.Failures, o.Session.FailingSince)
	}
	return o.restart(exit)
}

// rested is the end of a pod after which the session sleeps, if it had served: else who waits for it would have the next one made at
// once, again and again.
func (o *Observation) rested(exit Exit) Step {
	if o.wasPublished() && !o.keptUp() {
		return o.asleep(0)
	}
	return o.replaced(exit)
}

// handOver carries a session that is over through those that follow from it: it makes them, and says how far they are.
func handOver(o *Observation) (Step, bool) {
	starts := o.Session.Starts
	if o.Session.Phase != Completed || o.Pod != nil || !starts.Any || o.Session.Deleting {
		return Step{}, false
	}
	step := Step{Verb: Wait, Phase: Completed, Reason: starts.reason()}
	switch {
	case starts.Due:
		step.Verb = Start
	case starts.News:
		step.Verb = Follow
	case step.Reason != ReasonStartingOthers:
		return o.resting(step), true
	}
	return step, true
}

// reason says how far they are.
func (s Starts) reason() Reason {
	switch {
	case s.Failed:
		return ReasonStartedFailed
	case s.Done:
		return ReasonCompleted
	}
	return ReasonStartingOthers
}
