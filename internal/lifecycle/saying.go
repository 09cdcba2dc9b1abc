package lifecycle

// Await is what a session that is on its way waits for. Empty: nothing.
type Await string

// What can be waited for.
const (
	AwaitPlace    Await = "Place"    // under a limit
	AwaitAddress  Await = "Address"  // of its pod, or of its next one
	AwaitRequests Await = "Requests" // in flight; then the save, if there is one
	AwaitGateways Await = "Gateways" // one of them, for too long
	AwaitSave     Await = "Save"     // after one that failed
	AwaitEnd      Await = "End"      // of its pod
	AwaitNode     Await = "Node"     // to say that its pod has ended
	AwaitTemplate Await = "Template" // to say what follows from its end
	AwaitRetry    Await = "Retry"    // after a failure
	AwaitTime     Await = "Time"     // at which it starts again
	AwaitOthers   Await = "Others"   // that follow from it, or run before it goes
)

// Kept is why a session that is up is not put to sleep. Empty: it is not up.
type Kept string

// Why a session can be kept up. No clock is asked for it: it changes with what was said, never because time goes by.
const (
	KeptNeeded    Kept = "Needed"    // somebody needed it, or it was published, within the idle time of its template
	KeptTold      Kept = "Told"      // likewise, within that of its workload
	KeptBusy      Kept = "Busy"      // its workload said so, and that lasts longer
	KeptTask      Kept = "Task"      // it is a Task that has not ended
	KeptPermanent Kept = "Permanent" // its template says that it is always up
)

// say adds to a step what the session waits for, or why it is up. Both follow from what is reported besides, as far as they can: what is
// not worth a write is not worth one for its words.
func (o *Observation) say(s Step) Step {
	if s.Awaits == "" {
		s.Awaits = o.awaits(s)
	}
	s.Kept = o.kept(s)
	return s
}

func (o *Observation) awaits(s Step) Await {
	switch {
	case s.Reason == ReasonPodNotEnded && o.runs():
		return AwaitNode
	case s.Phase == Stopping && o.runs():
		return AwaitEnd
	case o.isPutOff(s):
		return AwaitTime
	}
	if what := s.awaits(); what != "" {
		return what
	}
	if s.Verb == Wait && o.inTheWay() {
		return AwaitEnd
	}
	return ""
}

// inTheWay says whether a pod that ends stands in the way of the next one.
func (o *Observation) inTheWay() bool { return o.wanted() && o.runs() && o.Pod.Deleting }

// isPutOff says whether a session sleeps although it is wanted, until its time comes.
func (o *Observation) isPutOff(s Step) bool {
	return s.Phase == Asleep && s.Reason == ReasonRestartsLater && o.wanted()
}

// awaits is what is waited for in a phase, whatever becomes of the pod.
func (s Step) awaits() Await {
	switch s.Phase {
	case Waking:
		return AwaitAddress
	case Queued, Draining, Stopping, Completed:
		return awaitsFor[s.Reason]
	case Failed:
		if s.Reason != ReasonGaveUp {
			return AwaitRetry
		}
	}
	return ""
}

var awaitsFor = map[Reason]Await{
	ReasonQueued:             AwaitPlace,
	ReasonDraining:           AwaitRequests,
	ReasonWaitingForGateways: AwaitGateways,
	ReasonSaveFailed:         AwaitSave,
	ReasonStartingOthers:     AwaitOthers,
	ReasonDestroying:         AwaitOthers,
}

// runs says whether the pod of that name may still run.
func (o *Observation) runs() bool { return o.Pod != nil && !o.Pod.Ended }

func (o *Observation) kept(s Step) Kept {
	since := o.Session.PublishedSince
	switch {
	case s.Verb == Publish:
		since = o.Now
	case !o.up(s):
		return ""
	}
	idle := later(o.Session.ActiveSince, since).Add(o.idleAfter())
	switch {
	case o.Template.Task:
		return KeptTask
	case o.keptUp():
		return KeptPermanent
	case o.Session.BusyUntil.After(idle):
		return KeptBusy
	case o.Session.IdleAfter != nil:
		return KeptTold
	}
	return KeptNeeded
}

// up says whether a session that was published stays so.
func (o *Observation) up(s Step) bool {
	serves := s.Phase == Awake || s.Phase == Hibernated
	return serves && o.Session.Published && o.current() && o.runs()
}
