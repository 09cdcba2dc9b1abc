package lifecycle

import "time"

// Times of failures.
const (
	// failedStart is how soon after its publication a pod that ends by itself counts as one that never served.
	failedStart = 5 * time.Second
	// firstBackoff and lastBackoff bound the wait after a failed start; it doubles in between, as the kubelet's does.
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
)

// Policy says after which ends a session gets a new pod by itself, in the words of the API.
type Policy string

// The policies.
const (
	Permanent Policy = "Permanent"
	Transient Policy = "Transient"
	Temporary Policy = "Temporary"
)

// Restart bounds how often a pod that ended abnormally is replaced at once.
type Restart struct {
	Policy Policy
	Max    int
	Within time.Duration
}

// What holds for a template that is gone, or says nothing.
const (
	DefaultRestarts = 3
	DefaultWithin   = 5 * time.Minute
)

// restart is the end of a pod that its policy replaces, or does not. One that served and crashed is replaced at once, unless that
// happened too often; one that ends instead of serving waits for its back-off, and those who waited for it are told.
func (o *Observation) restart(exit Exit) Step {
	count, since := o.failures()
	switch {
	case o.Template.Restart.Policy == Temporary && o.Template.Task:
		return Step{Verb: Record, Phase: Failed, Reason: ReasonGaveUp, Settle: true, Failures: count, Since: since}
	case o.early(exit):
		return o.failed(Record, ReasonStartFailed)
	case o.Template.Restart.Policy == Temporary:
		return Step{Verb: Record, Phase: Asleep, Reason: ReasonAsleep, Settle: true, Failures: count, Since: since}
	case count > o.Template.Restart.Max:
		return o.failed(Record, ReasonEndedTooOften)
	}
	return o.again(count, since)
}

// early says whether a pod ended instead of serving. A Task serves nobody.
func (o *Observation) early(exit Exit) bool {
	switch {
	case o.Template.Task:
		return false
	case !o.wasPublished():
		return true
	}
	return exit != ExitKilled && o.Now.Sub(o.Session.PublishedSince) < failedStart
}

// failures is the count with this one, and when it began: those count that came within the time that the template says, or
// within that time of the end of a back-off.
func (o *Observation) failures() (count int, since time.Time) {
	s := &o.Session
	if s.Failures == 0 || o.Now.Sub(later(s.FailingSince, s.RetryAt)) >= o.Template.Restart.Within {
		return 1, o.Now
	}
	return s.Failures + 1, s.FailingSince
}

// failed reports a failure and spends the demand: those who waited are told, and only a new touch wakes the session.
func (o *Observation) failed(verb Verb, why Reason) Step {
	count, since := o.failures()
	return Step{Verb: verb, Phase: Failed, Reason: why, Settle: true, Failures: count, Since: since, RetryAt: o.Now.Add(Backoff(count))}
}

// Backoff is the wait after so many failures in a row: 1 s, doubling, at most 5 minutes.
func Backoff(failures int) time.Duration {
	wait := firstBackoff
	for i := 1; i < failures && wait < lastBackoff; i++ {
		wait *= 2
	}
	return min(wait, lastBackoff)
}

// refuse fails a wanted session that cannot get a pod.
func refuse(o *Observation) (Step, bool) {
	why := o.Refused
	switch {
	case o.Session.Misnamed:
		why = ReasonNameMismatch
	case !o.Template.Found:
		why = ReasonTemplateNotFound
	}
	if why == "" {
		return Step{}, false
	}
	return o.failed(Fail, why), true
}
