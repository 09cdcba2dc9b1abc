package alarm

import (
	"context"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/turns"
)

// workers is how many sessions are touched at once: at six in the morning there may be many.
const workers = 16

// SetupWithManager watches sessions that have times, and templates that appear. The manager's cache must index Sessions by
// v1alpha1.FieldTemplate.
func (r *Reconciler) SetupWithManager(m ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(m).
		Named("alarm").
		For(&v1alpha1.Session{}, builder.WithPredicates(newTimes)).
		Watches(&v1alpha1.SessionTemplate{}, handler.EnqueueRequestsFromMapFunc(r.ofTemplate), builder.WithPredicates(appears)).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, RateLimiter: turns.Pauses()}).
		Complete(r)
}

// newTimes passes sessions whose times may have changed. What goes on in their status is of no concern here.
var newTimes = predicate.Funcs{
	CreateFunc: func(e event.CreateEvent) bool { return timed(e.Object.(*v1alpha1.Session)) },
	UpdateFunc: func(e event.UpdateEvent) bool {
		return e.ObjectOld.GetGeneration() != e.ObjectNew.GetGeneration() && timed(e.ObjectNew.(*v1alpha1.Session))
	},
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// appears passes a template that was not there.
var appears = predicate.Funcs{
	UpdateFunc: func(event.UpdateEvent) bool { return false },
	DeleteFunc: func(event.DeleteEvent) bool { return false },
}

// timed says whether a session has times, or had a schedule.
func timed(s *v1alpha1.Session) bool {
	return s.Spec.Schedule != "" || len(s.Spec.Alarms) > 0 || s.Status.Schedule != nil
}

// ofTemplate are the sessions of a template that have times.
func (r *Reconciler) ofTemplate(ctx context.Context, o client.Object) (requests []reconcile.Request) {
	var sessions v1alpha1.SessionList
	err := r.Client.List(ctx, &sessions, client.InNamespace(o.GetNamespace()), client.MatchingFields{v1alpha1.FieldTemplate: o.GetName()},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil // the cache serves this; it fails only while the operator stops
	}
	for i := range sessions.Items {
		if s := &sessions.Items[i]; timed(s) {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(s)})
		}
	}
	return requests
}
