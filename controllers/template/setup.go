package template

import (
	"context"
	"fmt"

	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// templateField is the selectable field of a Session that names its template, and the name of the cache's index of it.
const templateField = "spec.template"

// SetupWithManager indexes Sessions by their template in the manager's cache, and registers the reconciler.
func (r *Reconciler) SetupWithManager(ctx context.Context, mgr ctrl.Manager) error {
	byTemplate := func(o client.Object) []string { return []string{o.(*v1alpha1.Session).Spec.Template} }
	if err := mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Session{}, templateField, byTemplate); err != nil {
		return fmt.Errorf("index sessions by template: %w", err)
	}
	return ctrl.NewControllerManagedBy(mgr).
		Named("template").
		For(&v1alpha1.SessionTemplate{}).
		Watches(&v1alpha1.Session{}, handler.EnqueueRequestsFromMapFunc(templateOf), builder.WithPredicates(countChanges)).
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
