package lifecycle

import "time"

// Lifetime ends what lasts too long. Zero: nothing does.
type Lifetime struct {
	Awake  time.Duration // of a pod that serves; then it sleeps, by force
	Asleep time.Duration // of a session without a pod; then it is deleted
}

// KeptUp says whether the sessions of a template are up without anybody's demand: a Task until its end, a Permanent one for ever.
func (t Template) KeptUp() bool { return t.Task || t.Found && t.Restart.Policy == Permanent }

func (o *Observation) keptUp() bool { return o.Template.KeptUp() }

// over says whether a session has come to its end for good.
func (o *Observation) over() bool {
	if o.wasPublished() {
		return false
	}
	return o.Session.Phase == Completed || o.Session.Phase == Failed && o.Session.Reason == ReasonGaveUp
}

// mustRest says whether a session that serves is put to sleep whoever needs it.
func (o *Observation) mustRest() bool {
	return o.Session.Suspended || o.Session.Outdated || o.cramped() || o.outlived() && !o.Now.Before(o.restAt())
}

func (o *Observation) outlived() bool {
	return o.Template.Lifetime.Awake > 0 && !o.Session.AwakeSince.IsZero()
}

func (o *Observation) restAt() time.Time { return o.Session.AwakeSince.Add(o.Template.Lifetime.Awake) }

// serving is how a session goes on that nothing ends now.
func (o *Observation) serving() Step {
	step := Step{Verb: Wait, Phase: Awake, Reason: ReasonServing}
	if o.outlived() {
		step = step.until(o.Now, o.restAt())
	}
	if o.keptUp() {
		return step
	}
	return step.until(o.Now, o.idleAt())
}

// resting is how a session goes on that has no pod and is not wanted: as it is, until its lifetime is over.
func (o *Observation) resting(step Step) Step {
	if o.Template.Lifetime.Asleep == 0 || step.Phase == "" || step.Phase != o.Session.Phase {
		return step
	}
	at := o.Session.RestSince.Add(o.Template.Lifetime.Asleep)
	if o.Now.Before(at) {
		return step.until(o.Now, at)
	}
	step.Verb = Expire
	return step
}
