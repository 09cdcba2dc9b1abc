package lifecycle

// beyond refuses a session that never began, because there are as many before it as the template may have. Its demand is spent, so
// that those who wait are told; and when that has been told, the session is removed if a request made it. Any other one stays, and
// is let in when there is room.
func beyond(o *Observation) (Step, bool) {
	if o.Beyond == "" || o.begun() {
		return Step{}, false
	}
	step, told := Step{Verb: Wait, Phase: Queued, Reason: ReasonBeyondLimit, Limit: o.Beyond}, o.Session.DrainedSince.Add(toldOf)
	known := o.Session.Reason == ReasonBeyondLimit
	switch {
	case o.Session.Touched, o.Session.Made && !known:
		step.Verb = Settle
	case o.keptUp() && !o.Session.Made: // it waits for its turn without anybody's demand
	case known && o.Session.Phase == Queued && o.Now.Before(told):
		step = step.until(o.Now, told)
	case o.Session.Made:
		step = o.hold()
		step.Verb = Expire
	default:
		step.Phase = Asleep
	}
	return step, true
}

// begun says whether a session was let in once, or has nothing to be let in to. Our finalizer is on it from before its first pod.
func (o *Observation) begun() bool {
	s := &o.Session
	return o.Pod != nil || s.Protected || s.Epoch > 0 || s.Deleting || o.wasPublished() || o.over()
}

// letIn is what is said of a session that was beyond a limit, and is not any more: it sleeps as any other.
func (o *Observation) letIn() Step {
	if o.Session.Suspended {
		return Step{Verb: Wait, Phase: Asleep, Reason: ReasonSuspended}
	}
	return Step{Verb: Wait, Phase: Asleep, Reason: ReasonAsleep}
}
