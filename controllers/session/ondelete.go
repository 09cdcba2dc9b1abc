package session

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

// lastOf are the last sessions of a deleted one: those that its template asks for now, in the states that were reported of them. A last
// session has none of its own: two templates that name each other would never come to an end.
func lastOf(w *world) []v1alpha1.StartedSession {
	if w.template == nil || w.template.Spec.OnDelete == nil || w.session.Annotations[v1alpha1.AnnotationStartedFor] != "" {
		return nil
	}
	last := startedBy(w, w.template.Spec.OnDelete.Start)
	for i := range last {
		for _, reported := range w.session.Status.OnDelete {
			if reported.Name == last[i].Name {
				last[i].State = reported.State
			}
		}
	}
	return last
}

// lookAtLast looks how far the last sessions are of a deleted one that has no pod any more.
func (r *Reconciler) lookAtLast(ctx context.Context, w *world) error {
	if w.pod != nil {
		return nil
	}
	found := map[string]*v1alpha1.Session{}
	for _, s := range lastOf(w) {
		other, err := r.lastSession(ctx, w, s)
		if err != nil {
			return fmt.Errorf("get last session %s: %w", s.Name, err)
		}
		if other != nil {
			found[s.Name] = other
		}
	}
	w.starts = lastProgress(w, found)
	return nil
}

// lastSession is the Session that has the name of a last one, or nil. That one is gone which was there is asked of the API server itself: a
// cache may not have heard of it yet, and what is gone is made again.
func (r *Reconciler) lastSession(ctx context.Context, w *world, s v1alpha1.StartedSession) (*v1alpha1.Session, error) {
	name, found := client.ObjectKey{Namespace: w.session.Namespace, Name: s.Name}, &v1alpha1.Session{}
	err := r.Client.Get(ctx, name, found)
	if apierrors.IsNotFound(err) && s.State != v1alpha1.StartedWaiting {
		err = r.Live.Get(ctx, name, found)
	}
	if err != nil {
		return nil, client.IgnoreNotFound(err)
	}
	return found, nil
}

// lastProgress is how far the last sessions are, given those that exist.
func lastProgress(w *world, found map[string]*v1alpha1.Session) lifecycle.Starts {
	starts := lifecycle.Starts{Done: true}
	for _, s := range lastOf(w) {
		other := found[s.Name]
		ours := other != nil && isLast(other, w.session)
		if ours {
			w.last = append(w.last, other)
		}
		s.State = lastState(s.State, w.session.Name, other, ours)
		starts.Any = true
		starts.Failed = starts.Failed || s.State == v1alpha1.StartedFailed
		starts.Taken = starts.Taken || s.State == v1alpha1.StartedFailed && !ours
		starts.Due = starts.Due || due(s, starts)
		starts.Done = starts.Done && s.State == v1alpha1.StartedCompleted
		w.started = append(w.started, s)
	}
	starts.Left = len(w.last) > 0
	starts.News = !equality.Semantic.DeepEqual(w.started, w.session.Status.OnDelete)
	return starts
}

// isLast says whether a session was started for the deletion of another, that very one.
func isLast(s, of *v1alpha1.Session) bool {
	return s.Annotations[v1alpha1.AnnotationStartedFor] == string(of.UID)
}

// lastState is how far a last session is that was reported so. What has completed stays so; all else is as it is found. One that is gone
// is made again: whoever mends one that failed deletes it. Another's is in the way until it goes.
func lastState(reported v1alpha1.StartedState, of string, s *v1alpha1.Session, ours bool) v1alpha1.StartedState {
	switch {
	case reported == v1alpha1.StartedCompleted:
		return reported
	case s == nil, !ours && s.DeletionTimestamp != nil:
		return v1alpha1.StartedWaiting
	case !ours:
		return v1alpha1.StartedFailed
	}
	return fate(of, s)
}

// startLast makes the last sessions that are due, in the API server's own view of the one that is deleted: a late former leader must not
// destroy what was made again since.
func (r *Reconciler) startLast(ctx context.Context, w *world) error {
	live := &v1alpha1.Session{}
	if err := r.Live.Get(ctx, client.ObjectKeyFromObject(w.session), live); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("get session: %w", err)
	}
	if live.UID != w.session.UID || !equality.Semantic.DeepEqual(live.Status.OnDelete, w.session.Status.OnDelete) {
		return movedOn("the session is not the one that was looked at")
	}
	err := eachDue(w.started, func(s v1alpha1.StartedSession) error { return r.makeLast(ctx, w, s) })
	if err != nil {
		return err
	}
	w.memory.refused = nil
	return nil
}

// makeLast makes a last session. One of that name that is there already is news that the cache has not heard yet, or another's that goes.
func (r *Reconciler) makeLast(ctx context.Context, w *world, s v1alpha1.StartedSession) error {
	last := r.follower(w, s)
	last.Annotations[v1alpha1.AnnotationStartedFor] = string(w.session.UID)
	err := r.Client.Create(ctx, last, client.FieldOwner(v1alpha1.OwnerOperator))
	switch {
	case err == nil, apierrors.IsAlreadyExists(err):
		return nil
	case apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		w.memory.barred = true
		return movedOn("the namespace takes no new objects")
	case rejected(err):
		w.memory.refused = &refusal{lifecycle.ReasonSessionRejected, err.Error()}
		r.event(w.session, corev1.EventTypeWarning, v1alpha1.ReasonSessionRejected, "Start", "%v", err)
	}
	return fmt.Errorf("start last session %s: %w", s.Name, err)
}

// clear deletes the last sessions, those very ones. They are looked at until they are gone.
func (r *Reconciler) clear(ctx context.Context, w *world) error {
	for _, s := range w.last {
		if s.DeletionTimestamp != nil {
			continue
		}
		err := r.Client.Delete(ctx, s, client.Preconditions{UID: ptr.To(s.UID)})
		if err := r.unlessGone(ctx, s, err); err != nil {
			return fmt.Errorf("delete last session %s: %w", s.Name, err)
		}
	}
	return nil
}

// tellOfLast records as an event that the last sessions of a deleted one begin, and how it ended with them.
func (r *Reconciler) tellOfLast(w *world, step lifecycle.Step, next *v1alpha1.Session) {
	reported := w.session.Status.OnDelete
	switch {
	case w.session.DeletionTimestamp == nil:
	case step.Verb == lifecycle.Follow && len(reported) == 0:
		r.event(next, corev1.EventTypeNormal, v1alpha1.ReasonDestroying, "Start", "The last sessions of this one run before it goes")
	case step.Verb == lifecycle.Forget && w.memory.barred:
		r.event(next, corev1.EventTypeWarning, v1alpha1.EventDestroySkipped, "Forget", "The namespace is being deleted, and takes no last sessions any more")
	case step.Verb == lifecycle.Forget && slices.ContainsFunc(reported, unfinished):
		r.event(next, corev1.EventTypeWarning, v1alpha1.EventDestroySkipped, "Forget", "The template is gone, or asks no more for last sessions that have not completed")
	case step.Verb == lifecycle.Forget && len(reported) > 0:
		r.event(next, corev1.EventTypeNormal, v1alpha1.EventDestroyed, "Forget", "All last sessions are completed")
	}
}

func unfinished(s v1alpha1.StartedSession) bool { return s.State != v1alpha1.StartedCompleted }
