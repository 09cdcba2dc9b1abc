package lifecycle

// start brings a pod that never served to its publication: as soon as it has an address, for gateways dial until its port opens.
func start(o *Observation) (Step, bool) {
	if o.Pod == nil || o.wasPublished() {
		return Step{}, false
	}
	deadline := o.Pod.Since.Add(o.Template.WakeTimeout)
	switch {
	case o.Pod.Deleting:
		return o.ending(o.hold()), true
	case o.Pod.Trouble.Fatal:
		return o.failed(Fail, o.Pod.Trouble.Reason), true
	case o.Session.Suspended:
		return Step{Verb: Stop, Phase: Stopping, Reason: ReasonStopping}, true
	case o.Pod.Address:
		return Step{Verb: Publish, Phase: Awake, Reason: ReasonServing}, true
	case !o.Now.Before(deadline):
		return o.failed(Fail, o.timedOut()), true
	}
	return o.waking().until(o.Now, deadline), true
}

// timedOut is the known trouble, if there is one: it says more than that time is up.
func (o *Observation) timedOut() Reason {
	if o.Pod.Trouble.Reason != "" {
		return o.Pod.Trouble.Reason
	}
	return ReasonStartTimeout
}

// waking reports a start only when it takes long.
func (o *Observation) waking() Step {
	loud := o.Pod.Since.Add(quietWake)
	if o.Now.Before(loud) {
		return o.hold().until(o.Now, loud)
	}
	step := Step{Verb: Wait, Phase: Waking, Reason: ReasonWaking}
	if o.Pod.Trouble.Reason != "" {
		step.Reason = o.Pod.Trouble.Reason
	}
	return step
}

// sleep keeps a session without a pod as it is until it is wanted, and for as long as its back-off lasts.
func sleep(o *Observation) (Step, bool) {
	if o.Pod != nil {
		return Step{}, false
	}
	if o.Now.Before(o.Session.RetryAt) && (o.wanted() || o.Session.Phase == Failed) {
		return o.hold().until(o.Now, o.Session.RetryAt), true
	}
	if o.wanted() {
		return Step{}, false
	}
	return o.resting(o.rest()), true
}

// rest is what is said of a session that has no pod and is not wanted.
func (o *Observation) rest() Step {
	step := o.hold()
	switch {
	case o.over():
	case o.Session.Reason == ReasonPodNotEnded, o.Session.Reason == ReasonBeyondLimit: // it has ended, or there is room, meanwhile
		return o.quiet()
	case o.Session.Suspended:
		step.Phase, step.Reason = Asleep, ReasonSuspended
	case o.Session.Phase == "":
	case o.Session.Phase == Queued:
		return o.refused()
	case o.Session.Phase == Asleep && o.Session.Reason != ReasonSuspended:
	case o.Session.Phase == Failed:
		step.Phase = Asleep // the reason stays, for whoever asks why it sleeps
	default:
		step.Phase, step.Reason = Asleep, ReasonAsleep
	}
	return step
}

// wake makes the pod of a wanted session, where the limits leave room for it.
func wake(o *Observation) (Step, bool) {
	step := o.hold()
	switch {
	case o.Pod != nil:
		return Step{}, false
	case !o.Slot:
		return o.full(), true
	case !o.Session.Protected:
		step.Verb = Protect
	case o.Session.Phase == Failed, o.Session.Reason == ReasonBeyondLimit:
		// Whoever waits must not take the failure before, or the refusal, for this start's.
		return Step{Verb: Create, Phase: Waking, Reason: ReasonWaking}, true
	default:
		step.Verb = Create
	}
	return step, true
}

// queue waits for a place. Demand that was not renewed for as long as a request may wait has nobody behind it any more, and must
// not take the place of those who do wait; gateways renew theirs every five seconds.
func (o *Observation) queue() Step {
	step := Step{Verb: Wait, Phase: Queued, Reason: ReasonQueued}
	late := o.Session.ActiveSince.Add(o.Template.WakeTimeout)
	switch {
	case o.keptUp(): // nobody has to renew its demand
		return step
	case o.Now.Before(late):
		return step.until(o.Now, late)
	}
	return Step{Verb: Settle, Phase: Asleep, Reason: ReasonQueueTimeout}
}
