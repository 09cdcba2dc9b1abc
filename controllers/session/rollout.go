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

// mayRollOut says whether an outdated session may go to its next pod now.
func (r *Reconciler) mayRollOut(w *world) bool {
	return outdated(w) && r.Rollouts.Ask(rolloutOf(w)).Room
}

// rollOut keeps the session's turn on the way from its old pod to the next one: it is taken with the unpublish, and given back when the
// next pod serves, or none is needed.
func (r *Reconciler) rollOut(w *world, step lifecycle.Step) {
	c := rolloutOf(w)
	switch {
	case outdated(w) && step.Verb == lifecycle.Unpublish && step.Forced:
		r.Rollouts.Take(c)
	case outdated(w) && step.Phase == lifecycle.Awake:
		r.Rollouts.Wait(c)
	case step.Phase == lifecycle.Awake, step.Phase == lifecycle.Asleep, step.Phase == lifecycle.Failed, step.Phase == lifecycle.Completed:
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
