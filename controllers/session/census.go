package session

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/census"
)

// askCensus is the limit on the number of sessions that this one is beyond; empty if there is none.
func (r *Reconciler) askCensus(ctx context.Context, w *world) (limit string, err error) {
	of := census.ID(templateName(w.session))
	limits, counted := countOf(w.template)
	if !counted {
		r.Census.Drop(of)
		return "", nil
	}
	if w.session.UID == "" { // there is none: its pod was left
		return "", nil
	}
	return r.Census.Ask(of, limits, r.members(ctx, of), memberOf(w.session))
}

// countOf is how many sessions a template may have, and whether it says so at all.
func countOf(t *v1alpha1.SessionTemplate) (limits census.Limits, counted bool) {
	none := census.Limits{All: census.Unlimited, PerTenant: census.Unlimited}
	if t == nil {
		return none, false
	}
	l := &t.Spec.Limits
	limits = census.Limits{All: orUnlimited(l.Sessions), PerTenant: orUnlimited(l.PerTenant.Sessions)}
	return limits, limits != none
}

func orUnlimited(limit *int32) int {
	if limit == nil {
		return census.Unlimited
	}
	return int(*limit)
}

// askAll asks all limits what they say to the session.
func (r *Reconciler) askAll(ctx context.Context, w *world) (err error) {
	if w.place, err = r.askLimits(ctx, w); err != nil {
		return err
	}
	w.beyond, err = r.askCensus(ctx, w)
	return err
}

// mayBegin says whether the session is still within the limits on the number of sessions, and counts it as one that has begun.
func (r *Reconciler) mayBegin(w *world) bool {
	if _, counted := countOf(w.template); !counted {
		return true
	}
	return r.Census.Enter(census.ID(templateName(w.session)), w.session.Name)
}

// bound brings a changed limit on the number of sessions to the census, which asks for a turn of those for whom it makes a difference.
func (r *Reconciler) bound(ctx context.Context, t *v1alpha1.SessionTemplate) {
	of := census.ID(client.ObjectKeyFromObject(t))
	limits, counted := countOf(t)
	if !counted || t.DeletionTimestamp != nil {
		r.Census.Drop(of)
		return
	}
	_ = r.Census.Bound(of, limits, r.members(ctx, of)) // the cache lists; it fails only while the operator stops
}

// members lists the sessions of a template, none of them copied.
func (r *Reconciler) members(ctx context.Context, of census.ID) func() ([]census.Member, error) {
	return func() ([]census.Member, error) {
		var sessions v1alpha1.SessionList
		err := r.Client.List(ctx, &sessions, client.InNamespace(of.Namespace), client.MatchingFields{v1alpha1.FieldTemplate: of.Name},
			client.UnsafeDisableDeepCopy)
		if err != nil {
			return nil, fmt.Errorf("list sessions of template: %w", err)
		}
		members := make([]census.Member, len(sessions.Items))
		for i := range sessions.Items {
			members[i] = memberOf(&sessions.Items[i])
		}
		return members, nil
	}
}

// memberOf is what the census counts of a session. It has begun when our finalizer is on it, which comes before its first pod.
func memberOf(s *v1alpha1.Session) census.Member {
	return census.Member{
		ID: census.ID{Namespace: s.Namespace, Name: s.Name}, UID: string(s.UID), Tenant: s.Spec.Tenant, Born: s.CreationTimestamp.Unix(),
		In: controllerutil.ContainsFinalizer(s, v1alpha1.Finalizer) || s.Status.Epoch > 0 || s.Status.Pod != nil,
	}
}

func templateName(s *v1alpha1.Session) types.NamespacedName {
	return types.NamespacedName{Namespace: s.Namespace, Name: s.Spec.Template}
}

// madeByRequest says whether a gateway made a session, and nobody has applied it since.
func madeByRequest(s *v1alpha1.Session) bool {
	_, wanted := s.Annotations[v1alpha1.AnnotationWantedSince]
	_, kept := s.Annotations[corev1.LastAppliedConfigAnnotation]
	return wanted && !follows(s) && !kept && !applied(s)
}

// follows says whether a session was started by the end of another.
func follows(s *v1alpha1.Session) bool { return s.Annotations[v1alpha1.AnnotationStartedBy] != "" }
