package template

import (
	"context"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/route"
)

// taken are the routes of t that another template of the cluster has. They are looked at in each turn: that is one list from
// memory, and it needs none to remember what changed.
func (r *Reconciler) taken(ctx context.Context, t *v1alpha1.SessionTemplate) ([]v1alpha1.TakenRoute, error) {
	if len(t.Spec.Routes) == 0 {
		return nil, nil
	}
	var all v1alpha1.SessionTemplateList
	if err := r.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	return route.Taken(t, all.Items), nil
}

// tellTaken records an event for each route that was lost since the last turn.
func (r *Reconciler) tellTaken(before, now *v1alpha1.SessionTemplate) {
	for _, taken := range now.Status.RoutesTaken {
		if slices.Contains(before.Status.RoutesTaken, taken) {
			continue
		}
		words := fmt.Sprintf("spec.routes[%d]: template %s/%s, which is older, gets all of its requests", taken.Route, taken.Namespace, taken.Template)
		r.Events.Eventf(now, nil, corev1.EventTypeWarning, v1alpha1.ReasonRouteTaken, action(words), "%s", words)
	}
}

// routeChanges passes what may change which routes other templates have.
var routeChanges = builder.WithPredicates(predicate.Funcs{
	UpdateFunc: func(e event.UpdateEvent) bool {
		before, after := e.ObjectOld.(*v1alpha1.SessionTemplate), e.ObjectNew.(*v1alpha1.SessionTemplate)
		return before.Generation != after.Generation || route.Routed(before) != route.Routed(after)
	},
})

// rivals are asked for whenever a template comes, changes or goes: those that may lose a route to it, or get one back.
func (r *Reconciler) rivals() handler.EventHandler {
	return handler.EnqueueRequestsFromMapFunc(func(ctx context.Context, o client.Object) []reconcile.Request {
		t := o.(*v1alpha1.SessionTemplate)
		var all v1alpha1.SessionTemplateList
		if err := r.List(ctx, &all, client.UnsafeDisableDeepCopy); err != nil {
			return nil // the cache is not there, and brings every template when it is
		}
		var out []reconcile.Request
		for i := range all.Items {
			if other := &all.Items[i]; other.UID != t.UID && route.Meet(t, other) {
				out = append(out, reconcile.Request{NamespacedName: types.NamespacedName{Namespace: other.Namespace, Name: other.Name}})
			}
		}
		return out
	})
}

// reportTaken writes which routes are taken, and the condition only while there is one.
func reportTaken(t *v1alpha1.SessionTemplate, taken []v1alpha1.TakenRoute, now time.Time) {
	t.Status.RoutesTaken = taken
	if len(taken) == 0 {
		meta.RemoveStatusCondition(&t.Status.Conditions, v1alpha1.ConditionRouted)
		return
	}
	setCondition(t, v1alpha1.ConditionRouted, v1alpha1.ReasonRouteTaken, "", now)
}
