package lifecycle

// beyond refuses a session that never began, because there are as many before it as the template may have. Its demand is spent, so
// that those who wait are told; and when that has been told, the session is removed if a request made it. Any other one stays, and
// is let in when there is room.
func beyond(o *Observation) (Step, bool) {
	if o.Beyond == "" || o.begun() {
		return Step{}, false
	}
	step := Step{Verb: Wait, Phase: Queued, Reason: ReasonBeyondLimit, Limit: o.Beyond}
	if o.Session.Touched && !o.Session.Follows || o.Session.Made && o.Session.Reason != ReasonBeyondLimit {
		step.Verb = Settle
		return step, true
	}
	return o.toldBeyond(step), true
}

// waitsItsTurn says whether a session beyond its limit starts by itself when there is room: nobody would come again for it.
func (o *Observation) waitsItsTurn() bool {
	return !o.Session.Made && (o.keptUp() || o.Session.Follows && o.Session.Touched)
}

// toldBeyond is how it goes on for a session that is refused, and that nobody has touched since.
func (o *Observation) toldBeyond(step Step) Step {
	told := o.Session.DrainedSince.Add(toldOf)
	refused := o.Session.Phase == Queued && o.Session.Reason == ReasonBeyondLimit
	switch {
	case o.waitsItsTurn():
		step.Awaits = AwaitPlace
	case refused && o.Now.Before(told):
		return step.until(o.Now, told)
	case o.Session.Made:
		step.Verb, step.Phase = Expire, o.Session.Phase
	default:
		step.Phase = Asleep
		return o.resting(step)
	}
	return step
}

// begun says whether a session was let in once, or has nothing to be let in to. Our finalizer is on it from before its first pod.
func (o *Observation) begun() bool {
	s := &o.Session
	return o.Pod != nil || s.Protected || s.Epoch > 0 || s.Deleting || o.wasPublished() || o.over()
}

// quiet is what is said of a session that nothing is in the way of any more: it sleeps as any other.
func (o *Observation) quiet() Step {
	if o.Session.Suspended {
		return Step{Verb: Wait, Phase: Asleep, Reason: ReasonSuspended}
	}
	return Step{Verb: Wait, Phase: Asleep, Reason: ReasonAsleep}
}
