package session

import (
	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

// tell records as an event what a person would look for: a wake, a sleep, a failure. Two a cycle, at most.
func (r *Reconciler) tell(w *world, step lifecycle.Step, next *v1alpha1.Session) {
	steps.WithLabelValues(string(step.Verb)).Inc()
	switch {
	case step.Verb == lifecycle.Publish && w.session.Status.Pod == nil:
		starts.Observe(w.now.Sub(w.memory.pod.since).Seconds())
		r.Events.Eventf(next, w.pod, corev1.EventTypeNormal, v1alpha1.EventAwake, "Publish", "Epoch %d is served by pod %s", next.Status.Epoch, w.pod.Name)
	case step.Verb == lifecycle.Fail, step.Verb == lifecycle.Record && step.Phase == lifecycle.Failed:
		last := next.Status.LastExit
		r.Events.Eventf(next, nil, corev1.EventTypeWarning, string(step.Reason), string(step.Verb), "%s Epoch %d: %s %s", v1alpha1.Messages[string(step.Reason)], last.Epoch, last.Reason, last.Message)
	case step.Verb == lifecycle.Record && w.session.Status.Phase == v1alpha1.PhaseStopping:
		r.Events.Eventf(next, nil, corev1.EventTypeNormal, v1alpha1.EventAsleep, string(step.Verb), "Epoch %d has ended", next.Status.Epoch)
	case step.Verb == lifecycle.Record:
		r.Events.Eventf(next, nil, corev1.EventTypeWarning, "Ended", string(step.Verb), "Epoch %d ended: %s %s", next.Status.Epoch, next.Status.LastExit.Reason, next.Status.LastExit.Message)
	case step.Verb == lifecycle.Save && w.saved.Err != nil:
		r.Events.Eventf(next, nil, corev1.EventTypeWarning, v1alpha1.ReasonSaveFailed, string(step.Verb), "The last save failed and is tried again: %v", w.saved.Err)
	}
}
