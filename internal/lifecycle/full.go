package lifecycle

import "time"

// Times of limits.
const (
	// toldOf is how long a refusal for a limit stands, so that every gateway sees it and tells those who wait.
	toldOf = time.Second
	// surelyIdle is for how long nobody may have needed a session that makes room for another, at least; see makeRoomAt.
	surelyIdle = 5 * time.Second
)

// Full says which limit leaves no room, and what follows.
type Full struct {
	Limit  string // its name
	Reject bool   // who wants to start is refused; else it waits
}

// full keeps a wanted session without a place waiting, or refuses it. A refusal is no failure: the demand so far is spent, and
// the next touch tries again.
func (o *Observation) full() Step {
	step := o.queue()
	if o.Full.Reject && !o.keptUp() { // nobody waits for one that is up without demand
		step = Step{Verb: Settle, Phase: Queued, Reason: ReasonLimitReached}
	}
	step.Limit = o.Full.Limit
	return step
}

// refused lets a session that was refused for a limit fall asleep when that has been told. Its reason stays, for whoever asks.
func (o *Observation) refused() Step {
	step, told := o.hold(), o.Session.DrainedSince.Add(toldOf)
	switch {
	case o.Session.Reason != ReasonLimitReached:
		step.Phase, step.Reason = Asleep, ReasonAsleep
	case o.Now.Before(told):
		step = step.until(o.Now, told)
	default:
		step.Phase = Asleep
	}
	return step
}

// makeRoom unpublishes a session before its time, because another one waits for its place. From there on it is a sleep like any
// other: a touch takes it back.
func makeRoom(o *Observation) (Step, bool) {
	if !o.Evict || o.keptUp() || !o.Session.Published || !o.wanted() || o.Pod == nil || o.Pod.Deleting || o.Pod.Trouble.Fatal {
		return Step{}, false
	}
	at := o.makeRoomAt()
	if o.Now.Before(at) {
		step, ok := serve(o)
		return step.until(o.Now, at), ok
	}
	return Step{Verb: Unpublish, Phase: Draining, Reason: ReasonDraining}, true
}

// makeRoomAt is when a session that is not touched any more may make room. Gateways touch what they need each third of its idle time
// at the latest; half of it leaves room for the touch to come in.
func (o *Observation) makeRoomAt() time.Time {
	return o.idleFor(max(o.idleAfter()/2, surelyIdle))
}
