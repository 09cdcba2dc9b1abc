package lifecycle

import "time"

// flush has a session that goes on serving saved when nobody has needed it for a while, so that a crash later takes nothing from it.
// That is done once for each time that it is idle. It is no part of a sleep: requests may come meanwhile, and before its stop the
// session is saved again, after the last of them.
func (o *Observation) flush(step Step) Step {
	if step.Verb != Wait || !o.flushes() {
		return step
	}
	at := o.flushAt()
	if o.Save.Failed {
		at = later(at, o.Save.RetryAt)
	}
	if o.Now.Before(at) {
		return step.until(o.Now, at)
	}
	step.Verb = Flush
	return step
}

// flushes says whether a save is still to be made of this time that it is idle.
func (o *Observation) flushes() bool {
	return o.Template.SaveAfter > 0 && !o.Template.Task && o.Pod.Saves && !o.Save.Running && !o.Save.Done
}

// flushAt is when nobody will have needed it for so long. A gateway touches a session whose workload says itself when it is idle by that word: in a
// shorter time without a touch it may have been needed all along.
func (o *Observation) flushAt() time.Time {
	quiet := o.Template.SaveAfter
	if said := o.Session.IdleAfter; said != nil {
		quiet = max(quiet, *said)
	}
	return o.idleFor(quiet)
}
