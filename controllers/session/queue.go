package session

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/priorityqueue"
	"sigs.k8s.io/controller-runtime/pkg/event"
	"sigs.k8s.io/controller-runtime/pkg/handler"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// usual is the priority of a turn that something waits for. The queue serves nothing of a lower one before all of this.
const usual = 0

// newcomers queues what a new leader finds: a session that sleeps comes after all that happens meanwhile, which would be so for
// all of them, for as long as more happens than there is time for. Whoever does not sleep has somebody who waits, or a pod.
func newcomers() handler.EventHandler {
	return handler.Funcs{CreateFunc: func(_ context.Context, e event.CreateEvent, q workqueue.TypedRateLimitingInterface[reconcile.Request]) {
		request := reconcile.Request{NamespacedName: client.ObjectKeyFromObject(e.Object)}
		if p, ok := q.(priorityqueue.PriorityQueue[reconcile.Request]); ok && urgent(e.Object) {
			p.AddWithOpts(priorityqueue.AddOpts{Priority: ptr.To(usual)}, request)
		}
	}}
}

// urgent says whether something may wait for the turn of a session, or of one that has this pod.
func urgent(o client.Object) bool {
	s, ok := o.(*v1alpha1.Session)
	if !ok {
		_, pod := o.(*corev1.Pod)
		return pod
	}
	return s.Touched() || s.DeletionTimestamp != nil || s.Status.Pod != nil || s.Status.Endpoint != nil
}
