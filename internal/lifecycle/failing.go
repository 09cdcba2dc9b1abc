package lifecycle

import "time"

// Times of failures.
const (
	// failedStart is how soon after its publication a pod that ends by itself counts as one that never served.
	failedStart = 5 * time.Second
	// goodService is how long a pod must have served for the failures before it to be forgotten.
	goodService = time.Minute
	// firstBackoff and lastBackoff bound the wait after a failed start; it doubles in between, as the kubelet's does.
	firstBackoff = time.Second
	lastBackoff  = 5 * time.Minute
)

// failure is the abnormal end of a pod. A pod that served and crashed is replaced at once if it is wanted; one that ends
// instead of serving, or again, waits for its back-off.
func (o *Observation) failure(exit Exit) Step {
	count, early := o.Session.Failures+1, true
	if o.wasPublished() {
		served := o.Now.Sub(o.Session.PublishedSince)
		early = exit != ExitKilled && served < failedStart
		if served >= goodService {
			count = 1
		}
	}
	if early || count > 1 {
		return o.failed(Record, ReasonStartFailed, count)
	}
	return o.again(count)
}

// failed reports a failure and spends the demand: those who waited are told, and only a new touch wakes the session.
func (o *Observation) failed(verb Verb, why Reason, count int) Step {
	return Step{Verb: verb, Phase: Failed, Reason: why, Settle: true, Failures: count, RetryAt: o.Now.Add(Backoff(count))}
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
	return o.failed(Fail, why, o.Session.Failures+1), true
}
