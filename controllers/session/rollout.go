package session

import (
	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// outdated says whether the session's pod is made of what its template said before, and the template wants that to end.
func outdated(w *world) bool {
	if w.pod == nil || w.template == nil || w.template.Spec.Rollout != v1alpha1.RolloutDrain {
		return false
	}
	revision, _ := podspec.RevisionOf(w.pod)
	return revision != podspec.Revision(w.template)
}

// mayRollOut says whether an outdated session that serves may go to its next pod now, and takes its turn if so.
func (r *Reconciler) mayRollOut(w *world) bool {
	return w.outdated && w.session.Status.Endpoint != nil && r.Rollouts.Take(rolloutOf(w))
}

// rollOut keeps the session's turn on the way from its old pod to the next one: it is given back when the next pod serves, or none is
// needed. One that fails keeps it, so that a pod that cannot start is not rolled out any further.
func (r *Reconciler) rollOut(w *world, step lifecycle.Step) {
	c := rolloutOf(w)
	serves := step.Phase == lifecycle.Awake || step.Phase == lifecycle.Hibernated
	destroyed := w.pod == nil && w.session.DeletionTimestamp != nil // its last sessions may take long
	switch {
	case w.rollOut:
	case w.outdated && serves:
		r.Rollouts.Wait(c)
	case serves, destroyed, step.Verb == lifecycle.Unpublish && !step.Forced,
		step.Phase == lifecycle.Queued, step.Phase == lifecycle.Asleep, step.Phase == lifecycle.Completed:
		r.Rollouts.Free(c.Of, c.ID)
	}
}

func rolloutOf(w *world) slots.Claim {
	c := claimOf(w)
	c.Limits = slots.Limits{Awake: 1}
	if w.template != nil && w.template.Spec.RolloutAtOnce > 0 {
		c.Limits.Awake = int(w.template.Spec.RolloutAtOnce)
	}
	return c
}
