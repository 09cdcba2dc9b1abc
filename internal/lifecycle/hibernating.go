package lifecycle

import "time"

// tier is how a session goes on that nothing ends now: with all its resources while somebody needs it, and small when nobody has
// needed it for a while. It is published in both.
func (o *Observation) tier() Step {
	if !o.hibernates() {
		return o.serving()
	}
	step, at := o.serving(), o.hibernateAt()
	switch {
	case o.Now.Before(at) && o.Pod.Small:
		step.Verb, step.Recheck = Grow, 0
	case o.Now.Before(at):
		return step.until(o.Now, at)
	case o.Pod.Small:
		step.Phase, step.Reason = Hibernated, ReasonHibernated
	default:
		step.Verb, step.Recheck, step.Phase, step.Reason = Shrink, 0, Hibernated, ReasonHibernated
	}
	return step
}

// hibernates says whether a session may be small. One whose workload says itself when it is idle is touched by that, and so does not.
func (o *Observation) hibernates() bool {
	return o.Template.HibernateAfter > 0 && o.Session.IdleAfter == nil && !o.Template.Task
}

func (o *Observation) hibernateAt() time.Time { return o.idleFor(o.Template.HibernateAfter) }

// cramped says whether a session that is needed cannot get its resources back where it is: it is woken elsewhere.
func (o *Observation) cramped() bool {
	return o.Pod.Stuck && o.hibernates() && o.Now.Before(o.hibernateAt())
}
