package lifecycle

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

// record writes how the pod ended, and what follows from it. A pod that vanished without a word counts as killed.
func record(o *Observation) (Step, bool) {
	exit := ExitKilled
	switch {
	case o.Pod != nil && !o.Pod.Ended, o.Pod == nil && !o.wasPublished():
		return Step{}, false
	case o.Pod != nil:
		exit = o.Pod.Exit
	}
	if o.Session.Phase == Stopping || o.Session.Deleting {
		return o.asleep(0), true
	}
	switch exit {
	case ExitInterrupted:
		return o.again(o.Session.Failures), true
	case ExitNormal:
		if o.wasPublished() {
			return o.asleep(0), true
		}
	}
	return o.failure(exit), true
}

// asleep is the end of a session that ended well: only a touch that came after the decision wakes it again.
func (o *Observation) asleep(failures int) Step {
	if o.Session.Drained && o.wanted() {
		return Step{Verb: Record, Phase: Waking, Reason: ReasonWaking, Failures: failures}
	}
	step := Step{Verb: Record, Phase: Asleep, Reason: ReasonAsleep, Failures: failures, Settle: !o.Session.Drained}
	if o.Session.Deleting {
		step.Phase, step.Reason = Stopping, ReasonStopping
	}
	return step
}

// again is the end of a pod that a wanted session replaces at once.
func (o *Observation) again(failures int) Step {
	if o.wanted() {
		return Step{Verb: Record, Phase: Waking, Reason: ReasonWaking, Failures: failures}
	}
	return o.asleep(failures)
}

// leave unpublishes a deleted session by force, stops a pod that never served, and lets go of the object at last.
func leave(o *Observation) (Step, bool) {
	if !o.Session.Deleting || o.Session.Phase == Stopping && o.Pod != nil {
		return Step{}, false
	}
	switch {
	case o.Pod == nil && o.Session.Protected:
		step := o.hold()
		step.Verb = Forget
		return step, true
	case o.Pod == nil:
		return o.hold(), true
	case !o.wasPublished():
		return Step{Verb: Stop, Phase: Stopping, Reason: ReasonStopping}, true
	case !o.Session.Forced:
		return Step{Verb: Unpublish, Phase: Draining, Reason: ReasonDraining, Forced: true, Deadline: o.Now.Add(forcedDrain)}, true
	}
	return Step{}, false
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
