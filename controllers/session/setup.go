package session

import (
	"context"
	"errors"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/builder"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	"sigs.k8s.io/controller-runtime/pkg/predicate"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	"sigs.k8s.io/controller-runtime/pkg/source"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/turns"
)

const (
	// FieldNode is the field of a pod that names its node. The manager's cache must index pods by it.
	FieldNode = "spec.nodeName"
	// FieldStarted is a field of a Session that names those that follow from it, and its last ones. The manager's cache must index Sessions by it.
	FieldStarted = "status.started.name"
	// workers is how many sessions take their turn at once. A turn waits for the API server and for nothing else.
	workers = 16
)

// Again asks for a turn of a session, from what goes on beside its turns: the gateways have seen a version, a save has ended, a
// place is free. Once the manager ends nobody has turns any more, and it returns at once.
func (r *Reconciler) Again(session types.NamespacedName) {
	select {
	case r.again <- event.GenericEvent{Object: &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: session.Namespace, Name: session.Name}}}:
	case <-r.over:
	}
}

// SetupWithManager watches sessions and all that a session's turn may wait for. The manager's cache must index Sessions by
// v1alpha1.FieldTemplate and FieldStarted, and pods by FieldNode.
func (r *Reconciler) SetupWithManager(m ctrl.Manager) error {
	r.again, r.over = make(chan event.GenericEvent), make(chan struct{})
	end := manager.RunnableFunc(func(ctx context.Context) error {
		<-ctx.Done()
		close(r.over)
		return nil
	})
	if err := errors.Join(m.Add(end), m.Add(r.Sight)); err != nil {
		return err
	}
	return ctrl.NewControllerManagedBy(m).
		Named("session").
		For(&v1alpha1.Session{}).
		Watches(&v1alpha1.Session{}, newcomers()).
		Watches(&v1alpha1.Session{}, handler.EnqueueRequestsFromMapFunc(r.starters)).
		Watches(&corev1.Pod{}, handler.EnqueueRequestsFromMapFunc(sameName)).
		Watches(&corev1.Pod{}, newcomers()).
		Watches(&v1alpha1.SessionTemplate{}, handler.EnqueueRequestsFromMapFunc(r.ofTemplate), builder.WithPredicates(predicate.GenerationChangedPredicate{})).
		Watches(&corev1.Node{}, handler.EnqueueRequestsFromMapFunc(r.onNode), builder.WithPredicates(lostNodes())).
		Watches(&coordinationv1.Lease{}, handler.EnqueueRequestsFromMapFunc(r.pokeSight)).
		WatchesRawSource(source.Channel(r.again, &handler.EnqueueRequestForObject{})).
		WithOptions(controller.Options{MaxConcurrentReconciles: workers, RateLimiter: turns.Pauses()}).
		Complete(r)
}

// sameName maps a pod to its session. It goes by the name and not by the owner: a leftover of an older Session concerns the
// Session that has the name now.
func sameName(_ context.Context, o client.Object) []reconcile.Request {
	return []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(o)}}
}

// ofTemplate are the sessions of a template for which its change makes a difference now. Those asleep learn of it when they wake, unless
// it says how long they may sleep, or that they shall not. It says what runs before those go that are deleted.
func (r *Reconciler) ofTemplate(ctx context.Context, o client.Object) (requests []reconcile.Request) {
	var sessions v1alpha1.SessionList
	if err := r.Client.List(ctx, &sessions, client.InNamespace(o.GetNamespace()), client.MatchingFields{v1alpha1.FieldTemplate: o.GetName()}); err != nil {
		return nil // the cache serves this; it fails only while the operator stops
	}
	t := o.(*v1alpha1.SessionTemplate)
	r.bound(ctx, t)
	all := keptUp(t) || t.Spec.Lifetime.Asleep != nil
	for i := range sessions.Items {
		if s := &sessions.Items[i]; all || s.Touched() || s.Status.Pod != nil || s.DeletionTimestamp != nil {
			requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(s)})
		}
	}
	return requests
}

// onNode are the sessions whose pods are on a node.
func (r *Reconciler) onNode(ctx context.Context, o client.Object) (requests []reconcile.Request) {
	var pods corev1.PodList
	if err := r.Client.List(ctx, &pods, client.MatchingFields{FieldNode: o.GetName()}); err != nil {
		return nil // as above
	}
	for i := range pods.Items {
		requests = append(requests, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(&pods.Items[i])})
	}
	return requests
}

// lostNodes lets through only what may end the pods of a node: that it is gone, or out of service.
func lostNodes() predicate.Predicate {
	return predicate.Funcs{
		CreateFunc:  func(e event.CreateEvent) bool { return outOfService(e.Object.(*corev1.Node)) },
		UpdateFunc:  func(e event.UpdateEvent) bool { return outOfService(e.ObjectNew.(*corev1.Node)) },
		GenericFunc: func(event.GenericEvent) bool { return false },
	}
}

// pokeSight has the gateways looked at again. No session is reconciled for it: Sight asks for those that it has an answer for.
func (r *Reconciler) pokeSight(_ context.Context, o client.Object) []reconcile.Request {
	if o.GetLabels()[v1alpha1.LabelComponent] == v1alpha1.ComponentGateway {
		r.Sight.Poke()
	}
	return nil
}
