package template

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
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

// SetupWithManager registers the reconciler. The manager's cache must index Sessions by v1alpha1.FieldTemplate.
func (r *Reconciler) SetupWithManager(mgr ctrl.Manager) error {
	return ctrl.NewControllerManagedBy(mgr).
		Named("template").
		For(&v1alpha1.SessionTemplate{}).
		Watches(&v1alpha1.Session{}, handler.EnqueueRequestsFromMapFunc(templateOf), builder.WithPredicates(countChanges)).
		Watches(&v1alpha1.SessionTemplate{}, r.rivals(), routeChanges).
		WithOptions(controller.Options{RateLimiter: turns.Pauses()}).
		Complete(r)
}

// countChanges passes what changes the counts of a template: a session that comes or goes, and some changes of phase.
var countChanges = predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*v1alpha1.Session), e.ObjectNew.(*v1alpha1.Session)
		return !countsAlike(before.Status.Phase, after.Status.Phase)
	},
}

func templateOf(_ context.Context, o client.Object) []reconcile.Request {
	name := types.NamespacedName{Namespace: o.GetNamespace(), Name: o.(*v1alpha1.Session).Spec.Template}
	return []reconcile.Request{{NamespacedName: name}}
}
