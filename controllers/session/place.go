package session

import (
	"context"
	"fmt"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// askLimits asks what the limits say to the session. Whoever has a pod when this operator begins has its place.
func (r *Reconciler) askLimits(ctx context.Context, w *world) (slots.Answer, error) {
	c := claimOf(w)
	err := r.Slots.Seed(c.Of, func() ([]slots.Holder, error) {
		var pods corev1.PodList
		err := r.Client.List(ctx, &pods, client.InNamespace(c.Of.Namespace), client.MatchingLabels{v1alpha1.LabelTemplate: c.Of.Name})
		holders := make([]slots.Holder, len(pods.Items))
		for i := range pods.Items {
			pod := &pods.Items[i]
			holders[i] = slots.Holder{ID: slots.ID(client.ObjectKeyFromObject(pod)), Tenant: pod.Labels[v1alpha1.LabelTenant]}
		}
		return holders, err
	})
	if err != nil {
		return slots.Answer{}, fmt.Errorf("list pods of template: %w", err)
	}
	return r.Slots.Ask(c), nil
}

// place keeps the session's place under the limits, or its turn in the queue. It says no only to a create, or to what comes before the
// first, that lost its place to another since it was decided.
func (r *Reconciler) place(w *world, step lifecycle.Step) bool {
	c := claimOf(w)
	switch {
	case w.pod != nil:
		r.Slots.Hold(c, stageOf(w, step), neededLast(w, step))
	case step.Verb == lifecycle.Protect:
		return r.mayBegin(w)
	case step.Verb == lifecycle.Create:
		return r.Slots.Take(c)
	case step.Verb == lifecycle.Wait && step.Reason == lifecycle.ReasonQueued:
		r.Slots.Wait(c)
	default:
		r.Slots.Free(c.Of, c.ID)
	}
	return true
}

func claimOf(w *world) slots.Claim {
	s := w.session
	return slots.Claim{
		Of:     slots.ID{Namespace: s.Namespace, Name: s.Spec.Template},
		ID:     slots.ID{Namespace: s.Namespace, Name: s.Name},
		Tenant: s.Spec.Tenant,
		Limits: limitsOf(w.template),
	}
}

func limitsOf(t *v1alpha1.SessionTemplate) slots.Limits {
	if t == nil {
		return slots.Limits{}
	}
	l := &t.Spec.Limits
	return slots.Limits{
		Awake:          orNone(l.Awake),
		Starting:       orNone(l.Starting),
		PerTenant:      orNone(l.PerTenant.Awake),
		TenantStarting: orNone(l.PerTenant.Starting),
		EvictIdle:      l.WhenFull == v1alpha1.FullEvictIdle,
	}
}

func orNone(limit *int32) int {
	if limit == nil {
		return 0
	}
	return int(*limit)
}

// fullOf says what a limit means to the session. A place to start in is always waited for: it is free in a moment.
func fullOf(w *world) lifecycle.Full {
	reject := w.template != nil && w.template.Spec.Limits.WhenFull == v1alpha1.FullReject
	return lifecycle.Full{Limit: w.place.Limit, Reject: reject && !slots.OfStarts(w.place.Limit)}
}

// stageOf is what the session does with its place once the step is done. A sleep that something is in the way of makes no room.
func stageOf(w *world, step lifecycle.Step) slots.Stage {
	ended := hasEnded(w.pod, w.nodeGone)
	switch {
	case step.Phase == lifecycle.Awake && keptUp(w.template):
		return slots.Staying
	case step.Phase == lifecycle.Awake, step.Phase == lifecycle.Hibernated:
		return slots.Serving
	case step.Reason == lifecycle.ReasonDraining, step.Reason == lifecycle.ReasonStopping:
		return slots.Leaving
	case ended && !w.session.Touched(), step.Phase == lifecycle.Failed && step.Reason != lifecycle.ReasonPodNotEnded:
		return slots.Leaving
	case ended, w.session.Status.Pod != nil, w.pod.DeletionTimestamp != nil:
		return slots.Staying
	}
	return slots.Starting
}

// neededLast is since when a session that serves has been idle, if nobody touches it. One that is busy is needed until it is not.
func neededLast(w *world, step lifecycle.Step) time.Time {
	m := w.memory
	_, busy := m.said(w.session.Demand())
	switch {
	case busy.After(w.now):
		return busy
	case step.Verb == lifecycle.Publish:
		return w.now
	case m.publication.since.After(m.activity.since):
		return m.publication.since
	}
	return m.activity.since
}
