package lifecycle

import "time"

// serve keeps a session published until it is idle, or its pod is taken away.
func serve(o *Observation) (Step, bool) {
	if !o.Session.Published || o.Pod == nil {
		return Step{}, false
	}
	switch {
	case o.Pod.Deleting:
		// Its stop has begun without us. Gateways with requests in flight will touch, and get the next epoch.
		return Step{Verb: Unpublish, Phase: Stopping, Reason: ReasonStopping}, true
	case o.Pod.Trouble.Fatal:
		return o.failed(Fail, o.Pod.Trouble.Reason), true
	case o.mustRest():
		return o.unpublishByForce(), true
	case !o.wanted():
		return Step{Verb: Unpublish, Phase: Draining, Reason: ReasonDraining}, true
	}
	return o.flush(o.tier()), true
}

// drain brings an unpublished session to its stop: every gateway has seen it, then the state is saved, then Stopping.
func drain(o *Observation) (Step, bool) {
	if o.Session.Published || !o.wasPublished() || o.Pod == nil {
		return Step{}, false
	}
	if step, ok := o.cannotDrain(); ok {
		return step, true
	}
	step := Step{Verb: Wait, Phase: Draining, Reason: ReasonDraining}
	switch {
	case o.wanted() && !o.Session.Forced:
		return Step{Verb: Publish, Phase: Awake, Reason: ReasonServing}, true
	case !o.Sight:
		return o.unseen(step), true
	case o.mustSave():
		return o.saving(step), true
	}
	return Step{Verb: Stop, Phase: Stopping, Reason: ReasonStopping}, true
}

// cannotDrain is what stands in the way of a drain: that the pod ends already, that no container of it ever ran, or that somebody
// edited the status.
func (o *Observation) cannotDrain() (Step, bool) {
	switch {
	case o.Pod.Deleting:
		return o.ending(Step{Verb: Wait, Phase: Stopping, Reason: ReasonStopping}), true
	case o.Pod.Trouble.Fatal: // there is nothing to save, and nothing to publish
		return o.failed(Fail, o.Pod.Trouble.Reason), true
	case o.Session.Suspended && !o.Session.Forced: // a touch that came meanwhile must not hold it up, nor be forgotten
		return o.unpublishByForce(), true
	case o.wanted() && !o.Session.Forced && !o.Pod.Address:
		step := o.hold()
		step.Awaits = AwaitEnd // it has none that it had
		return step, true
	case !o.Session.Drained && !o.wanted():
		return Step{Verb: Unpublish, Phase: Draining, Reason: ReasonDraining}, true
	}
	return Step{}, false
}

// unpublishByForce begins a drain that no demand takes back.
func (o *Observation) unpublishByForce() Step {
	return Step{Verb: Unpublish, Phase: Draining, Reason: ReasonDraining, Forced: true, Deadline: o.Now.Add(forcedDrain)}
}

// unseen waits for the gateways, and says so when that takes long.
func (o *Observation) unseen(step Step) Step {
	late := o.Session.DrainedSince.Add(lateGateway)
	if o.Now.Before(late) {
		return step.until(o.Now, late)
	}
	step.Reason = ReasonWaitingForGateways
	return step
}

// mustSave says whether state would be lost by a stop now. It is tried for ever, for state is never traded for memory; only the drain of
// a deleted session gives up when a save could have ended after its deadline.
func (o *Observation) mustSave() bool {
	if !o.Pod.Saves || o.Save.Done {
		return false
	}
	return !o.givesUp() || o.Now.Before(o.saveDeadline())
}

// saving starts a save, or waits for the one that runs or may be tried again.
func (o *Observation) saving(step Step) Step {
	if o.givesUp() {
		step = step.until(o.Now, o.saveDeadline())
	}
	if o.Save.Failed {
		step.Reason = ReasonSaveFailed
	}
	switch {
	case o.Save.Running:
		return step
	case o.Save.Failed && o.Now.Before(o.Save.RetryAt):
		return step.until(o.Now, o.Save.RetryAt)
	}
	step.Verb = Save
	return step
}

func (o *Observation) givesUp() bool { return o.Session.Forced && o.Session.Deleting }

// saveDeadline is when a forced drain gives up on saving.
func (o *Observation) saveDeadline() time.Time {
	return o.Session.Deadline.Add(o.Pod.SaveTime)
}
