package lifecycle

import "time"

// discard ends what is not the session's pod of now, and frees its name.
func discard(o *Observation) (Step, bool) {
	if o.Pod == nil || o.current() {
		return Step{}, false
	}
	step := o.hold()
	switch {
	case !o.Pod.Ended && !o.Pod.Deleting:
		step.Verb = Delete
	case !o.Pod.Ended:
		return o.ending(step), true
	case o.finishing():
		return step.until(o.Now, o.Pod.EndedAt.Add(finish)), true
	default:
		step.Verb = Release
	}
	return step, true
}

// finishing says whether the kubelet may still finish the delete itself. Doing it in its place would be one more write for each
// sleep; but nobody who needs the name has to wait for it.
func (o *Observation) finishing() bool {
	return o.Pod.Deleting && !o.Pod.Finished && !o.wanted() && o.Now.Before(o.Pod.EndedAt.Add(finish))
}

// ending waits for a pod that was asked to stop, and says so when that takes longer than it should.
func (o *Observation) ending(step Step) Step {
	if o.Now.Before(o.Pod.OverdueAt) {
		return step.until(o.Now, o.Pod.OverdueAt)
	}
	step.Reason = ReasonPodNotEnded
	return step
}

// record writes how the pod ended, and what follows from it: what the template's outcomes say, else its restart policy. An end
// that was asked for is a sleep.
func record(o *Observation) (Step, bool) {
	exit, ended := o.exit()
	if !ended {
		return Step{}, false
	}
	if o.Session.Phase == Stopping || o.Session.Deleting {
		return o.asleep(0), true
	}
	if o.Template.Task && !o.Template.Found { // what follows from its work is not known before its template is back
		step := o.hold()
		step.Awaits = AwaitTemplate
		return step, true
	}
	if step, ok := o.follow(exit); ok {
		return step, true
	}
	if exit == ExitNormal && o.Template.Restart.Policy != Permanent {
		return o.done(exit), true
	}
	return o.replaced(exit), true
}

// exit is how the pod ended, if it did. One that vanished without a word counts as killed.
func (o *Observation) exit() (how Exit, ended bool) {
	if o.Pod == nil {
		return ExitKilled, o.wasPublished()
	}
	return o.Pod.Exit, o.Pod.Ended
}

// done is the good end of a pod. One that never served was to serve, and did not.
func (o *Observation) done(exit Exit) Step {
	switch {
	case o.Template.Task:
		return Step{Verb: Record, Phase: Completed, Reason: ReasonCompleted, Settle: true}
	case o.wasPublished():
		return o.asleep(0)
	}
	return o.restart(exit)
}

// asleep is the end of a session that ended well: only a touch that came after the decision wakes it again.
func (o *Observation) asleep(failures int) Step {
	if o.wanted() && (o.Session.Drained || o.keptUp()) {
		return Step{Verb: Record, Phase: Waking, Reason: ReasonWaking, Failures: failures}
	}
	step := Step{Verb: Record, Phase: Asleep, Reason: ReasonAsleep, Failures: failures, Settle: !o.Session.Drained}
	if o.Session.Deleting {
		step.Phase, step.Reason = Stopping, ReasonStopping
	}
	return step
}

// again is the end of a pod that a wanted session replaces at once.
func (o *Observation) again(failures int, since time.Time) Step {
	if o.wanted() {
		return Step{Verb: Record, Phase: Waking, Reason: ReasonWaking, Failures: failures, Since: since}
	}
	return o.asleep(failures)
}

// leave unpublishes a deleted session by force, stops a pod that never served, and lets go of the object at last.
func leave(o *Observation) (Step, bool) {
	if !o.Session.Deleting || o.Session.Phase == Stopping && o.Pod != nil {
		return Step{}, false
	}
	switch {
	case o.Pod == nil:
		return o.letGo(), true
	case !o.wasPublished():
		return Step{Verb: Stop, Phase: Stopping, Reason: ReasonStopping}, true
	case !o.Session.Forced:
		return o.unpublishByForce(), true
	}
	return Step{}, false
}

// letGo takes our finalizer off, once a Session that is made again would be younger.
func (o *Observation) letGo() Step {
	step := o.hold()
	switch {
	case !o.Session.Protected:
		return step
	case o.Now.Before(o.Session.LetGoAt):
		return step.until(o.Now, o.Session.LetGoAt)
	}
	step.Verb = Forget
	return step
}

// stop deletes the pod of a session that is committed to it, and waits for its end. Whatever comes waits for the next epoch.
func stop(o *Observation) (Step, bool) {
	if o.Session.Phase != Stopping || o.Pod == nil {
		return Step{}, false
	}
	step := Step{Verb: Delete, Phase: Stopping, Reason: ReasonStopping}
	if !o.Pod.Deleting {
		return step, true
	}
	step.Verb = Wait
	return o.ending(step), true
}
