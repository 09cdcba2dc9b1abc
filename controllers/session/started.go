package session

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/key"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

// startedBy are those that a template starts, none of them yet.
func startedBy(w *world, starts []v1alpha1.StartSpec) (started []v1alpha1.StartedSession) {
	for _, s := range starts {
		name, err := key.Name(s.Template, w.session.Spec.Key)
		if err != nil {
			continue // no template has such a name: the API server has seen to that
		}
		started = append(started, v1alpha1.StartedSession{Name: name, Template: s.Template, After: s.After, State: v1alpha1.StartedWaiting})
	}
	return started
}

// lookAfter looks how far those are that follow from the session; or, if it is deleted, its last ones.
func (r *Reconciler) lookAfter(ctx context.Context, w *world) error {
	if w.session.DeletionTimestamp != nil {
		return r.lookAtLast(ctx, w)
	}
	if w.session.Status.Phase != v1alpha1.PhaseCompleted || len(w.session.Status.Started) == 0 {
		return nil
	}
	found := map[string]*v1alpha1.Session{}
	for _, s := range w.session.Status.Started {
		other := &v1alpha1.Session{}
		err := r.Client.Get(ctx, client.ObjectKey{Namespace: w.session.Namespace, Name: s.Name}, other)
		if client.IgnoreNotFound(err) != nil {
			return fmt.Errorf("get session %s: %w", s.Name, err)
		}
		if err == nil {
			found[s.Name] = other
		}
	}
	w.started, w.starts = progress(w.session, found)
	return nil
}

// progress is how far those are that were reported as they were, given those that exist.
func progress(of *v1alpha1.Session, found map[string]*v1alpha1.Session) (now []v1alpha1.StartedSession, starts lifecycle.Starts) {
	starts = lifecycle.Starts{Any: true, Done: true}
	for _, s := range of.Status.Started {
		before := s.State
		s.State = stateOf(s.State, of.Name, found[s.Name])
		starts.News = starts.News || s.State != before
		starts.Failed = starts.Failed || s.State == v1alpha1.StartedFailed
		starts.Due = starts.Due || due(s, starts)
		starts.Done = starts.Done && s.State == v1alpha1.StartedCompleted
		now = append(now, s)
	}
	return now, starts
}

// due says whether one is to be made, given those that stand before it.
func due(s v1alpha1.StartedSession, before lifecycle.Starts) bool {
	return s.State == v1alpha1.StartedWaiting && (s.After == "" || before.Done)
}

// stateOf is how far one is that was reported so, and is there now or is not. One that came to its end may be deleted.
func stateOf(reported v1alpha1.StartedState, by string, s *v1alpha1.Session) v1alpha1.StartedState {
	switch {
	case reported == v1alpha1.StartedCompleted || reported == v1alpha1.StartedFailed:
		return reported
	case s == nil && reported == v1alpha1.StartedWaiting:
		return v1alpha1.StartedWaiting
	case s == nil:
		return v1alpha1.StartedFailed
	}
	return fate(by, s)
}

// fate is how a session ended that does what another waits for: one that starts others ends with them, and one that waits for the
// one that waits for it never does.
func fate(by string, s *v1alpha1.Session) v1alpha1.StartedState {
	reason := s.ReadyReason()
	switch {
	case s.Status.Phase == v1alpha1.PhaseCompleted && reason == v1alpha1.ReasonCompleted:
		return v1alpha1.StartedCompleted
	case s.Status.Phase == v1alpha1.PhaseCompleted && (reason == v1alpha1.ReasonStartedFailed || waitsFor(s, by)),
		s.Status.Phase == v1alpha1.PhaseFailed && reason == v1alpha1.ReasonGaveUp:
		return v1alpha1.StartedFailed
	}
	return v1alpha1.StartedRuns
}

func waitsFor(s *v1alpha1.Session, name string) bool {
	return slices.ContainsFunc(s.Status.Started, func(o v1alpha1.StartedSession) bool { return o.Name == name })
}

// start makes those that are due. One of that name that is there already is as good: at least once is what is promised.
func (r *Reconciler) start(ctx context.Context, w *world) error {
	return eachDue(w.started, func(s v1alpha1.StartedSession) error {
		err := r.Client.Create(ctx, r.follower(w, s), client.FieldOwner(v1alpha1.OwnerOperator))
		switch {
		case err == nil:
			r.event(w.session, corev1.EventTypeNormal, v1alpha1.ReasonStarting, "Start "+s.Template, "Session %s follows from it", s.Name)
		case !apierrors.IsAlreadyExists(err):
			return fmt.Errorf("start session %s: %w", s.Name, err)
		}
		return nil
	})
}

// eachDue makes those that are due, in their order, and stops at the first that cannot be made.
func eachDue(all []v1alpha1.StartedSession, create func(v1alpha1.StartedSession) error) error {
	before := lifecycle.Starts{Done: true}
	for _, s := range all {
		if due(s, before) {
			if err := create(s); err != nil {
				return err
			}
		}
		before.Done = before.Done && s.State == v1alpha1.StartedCompleted
	}
	return nil
}

// follower is a session that follows from the end or the deletion of another. It is wanted from its creation on.
func (r *Reconciler) follower(w *world, s v1alpha1.StartedSession) *v1alpha1.Session {
	return &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: w.session.Namespace, Name: s.Name,
			Annotations: map[string]string{
				v1alpha1.AnnotationStartedBy:   w.session.Name,
				v1alpha1.AnnotationWantedSince: w.now.UTC().Format(metav1.RFC3339Micro),
			},
		},
		Spec: v1alpha1.SessionSpec{
			Template: s.Template, Key: w.session.Spec.Key, Tenant: w.session.Spec.Tenant, Owner: w.session.Spec.Owner, Input: ptr.To(handOver(w.session)),
		},
	}
}

// handOver is the input of one that follows: who it follows, how that one ended, and what its own input was, where there is room.
func handOver(s *v1alpha1.Session) string {
	const most = 64 << 10 // bytes, as the API says
	words := struct {
		StartedBy string         `json:"startedBy"`
		LastExit  *v1alpha1.Exit `json:"lastExit,omitempty"`
		Input     string         `json:"input,omitempty"`
	}{s.Name, s.Status.LastExit, ptr.Deref(s.Spec.Input, "")}
	text, err := json.Marshal(words)
	if err != nil || len(text) > most {
		words.Input = ""
		text, _ = json.Marshal(words) // of what the API server gave us as JSON
	}
	return string(text)
}

// starters are the sessions that wait for one, whoever made it.
func (r *Reconciler) starters(ctx context.Context, o client.Object) (requests []reconcile.Request) {
	var sessions v1alpha1.SessionList
	if err := r.Client.List(ctx, &sessions, client.InNamespace(o.GetNamespace()), client.MatchingFields{FieldStarted: o.GetName()}); err != nil {
		return nil // the cache serves this; it fails only while the operator stops
	}
	for i := range sessions.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&sessions.Items[i])})
	}
	return requests
}

// StartedNames are the names of those that follow from a session, and of its last ones: the values of FieldStarted.
func StartedNames(o client.Object) (names []string) {
	status := &o.(*v1alpha1.Session).Status
	for _, s := range slices.Concat(status.Started, status.OnDelete) {
		names = append(names, s.Name)
	}
	return names
}
