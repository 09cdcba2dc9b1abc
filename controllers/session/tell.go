package session

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

// tell records as an event what a person would look for: a wake, a sleep, a failure. Two a cycle, at most.
func (r *Reconciler) tell(w *world, step lifecycle.Step, next *v1alpha1.Session) {
	count(w, step)
	r.tellOfLast(w, step, next)
	r.tellOfFollowers(w, step, next)
	switch {
	case step.Verb == lifecycle.Publish && w.session.Status.Pod == nil:
		starts.Observe(w.now.Sub(w.memory.pod.since).Seconds())
		r.event(next, corev1.EventTypeNormal, v1alpha1.EventAwake, "Publish", "Epoch %d is served by pod %s", next.Status.Epoch, w.pod.Name)
	case step.Verb == lifecycle.Unpublish && w.place.Evict:
		r.event(next, corev1.EventTypeNormal, v1alpha1.EventMakesRoom, "Evict", "Epoch %d has been idle longest, and another session waits for its place", next.Status.Epoch)
	case step.Verb == lifecycle.Record:
		r.ended(w.session.Status.Phase, step, next)
	case step.Verb == lifecycle.Fail:
		r.unwell(next, step)
	case step.Verb == lifecycle.Expire:
		r.expired(next, step)
	case callsHook(step) && w.saved.Err != nil:
		r.event(next, corev1.EventTypeWarning, v1alpha1.ReasonSaveFailed, "Save", "The last save failed and is tried again: %v", w.saved.Err)
	}
}

// expired tells why a session is deleted.
func (r *Reconciler) expired(next *v1alpha1.Session, step lifecycle.Step) {
	if step.Reason == lifecycle.ReasonBeyondLimit && madeByRequest(next) {
		r.event(next, corev1.EventTypeWarning, v1alpha1.ReasonBeyondLimit, "Expire", "A request made it beyond %s, and it never ran", step.Limit)
		return
	}
	r.event(next, corev1.EventTypeNormal, v1alpha1.EventExpired, "Expire", "lifetime.asleep is over")
}

// ended tells of an end: of a sleep, of work that is done, or of what nobody had asked for.
func (r *Reconciler) ended(before v1alpha1.SessionPhase, step lifecycle.Step, next *v1alpha1.Session) {
	switch {
	case before == v1alpha1.PhaseStopping:
		r.event(next, corev1.EventTypeNormal, v1alpha1.EventAsleep, "Sleep", "Epoch %d has ended", next.Status.Epoch)
	case step.Phase == lifecycle.Completed:
		r.event(next, corev1.EventTypeNormal, v1alpha1.ReasonCompleted, "End", "Epoch %d has done its work", next.Status.Epoch)
	case step.Reason == lifecycle.ReasonRestartsLater:
		r.event(next, corev1.EventTypeNormal, v1alpha1.ReasonRestartsLater, endAction(next), "%s", howItEnded(next))
	default:
		r.unwell(next, step)
	}
}

// tellOfFollowers tells how it ended with those that follow from a session, once it has.
func (r *Reconciler) tellOfFollowers(w *world, step lifecycle.Step, next *v1alpha1.Session) {
	switch {
	case step.Verb != lifecycle.Follow, w.session.DeletionTimestamp != nil:
	case step.Reason == lifecycle.ReasonCompleted:
		r.event(next, corev1.EventTypeNormal, v1alpha1.ReasonCompleted, "Follow", "All that followed from it have completed")
	case step.Reason == lifecycle.ReasonStartedFailed:
		r.event(next, corev1.EventTypeWarning, v1alpha1.ReasonStartedFailed, "Follow", "One that followed from it has failed for good, or is gone")
	}
}

// unwell tells of an end that was no sleep.
func (r *Reconciler) unwell(next *v1alpha1.Session, step lifecycle.Step) {
	reason := v1alpha1.EventEnded
	if step.Phase == lifecycle.Failed {
		reason = string(step.Reason)
	}
	r.event(next, corev1.EventTypeWarning, reason, endAction(next), "%s", howItEnded(next))
}

// endAction is the action of an event that tells of an end. It says the epoch, because client-go takes events of the same action and reason
// for one, and keeps the words of the first.
func endAction(next *v1alpha1.Session) string {
	return fmt.Sprintf("End%d", next.Status.LastExit.Epoch)
}

// howItEnded is how the last pod of a session did, in words.
func howItEnded(next *v1alpha1.Session) string {
	last := next.Status.LastExit
	words := fmt.Sprintf("Epoch %d: %s", last.Epoch, last.Reason)
	if last.Code != nil {
		words += fmt.Sprintf(", exit code %d", *last.Code)
	}
	if last.Message != "" {
		words += ": " + last.Message
	}
	return words
}

// event records an event with words of at most the length that the API server takes.
func (r *Reconciler) event(s *v1alpha1.Session, kind, reason, action, format string, words ...any) {
	const most = 1024
	r.Events.Eventf(s, nil, kind, reason, action, "%s", cut(fmt.Sprintf(format, words...), most))
}
