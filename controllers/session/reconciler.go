package session

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/census"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/savehook"
	"github.com/dormouse-dev/dormouse/internal/sight"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// tries is how often a turn is taken again at once because somebody else wrote in between. Touches are paced, so that one
// more try is nearly always enough.
const tries = 5

// Reconciler turns the ring for every session.
type Reconciler struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Events records what people should know.
	Events events.EventRecorder
	// Now is the operator's clock.
	Now func() time.Time
	// API is the URL that the pods of templates with selfCalls call.
	API string
	// Sight says what the gateways have seen.
	Sight *sight.Sight
	// Hooks saves sessions.
	Hooks *savehook.Hooks
	// Slots holds the limits.
	Slots *slots.Slots

	// Census holds limits.sessions and limits.perTenant.sessions.
	Census *census.Census
	// Rollouts holds rolloutAtOnce.
	Rollouts *slots.Slots

	again    chan event.GenericEvent
	over     chan struct{} // closed when the manager ends
	memories memories
}

// Reconcile takes one turn: observe, decide, report, act.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (result ctrl.Result, err error) {
	result, err = r.turn(ctx, req.NamespacedName, r.Client)
	for try := 1; try < tries && apierrors.IsConflict(err); try++ {
		result, err = r.turn(ctx, req.NamespacedName, r.Live)
	}
	result.Priority = ptr.To(usual) // who had a turn is no newcomer any more
	return result, err
}

func (r *Reconciler) turn(ctx context.Context, name types.NamespacedName, from client.Reader) (ctrl.Result, error) {
	w, err := r.gather(ctx, name, from)
	if err != nil || w == nil {
		return ctrl.Result{}, err
	}
	step := lifecycle.Next(observe(w))
	next := report(w, step)
	if err := r.save(ctx, w.session, next); err != nil {
		return ctrl.Result{}, err
	}
	if err := r.act(ctx, w, step); err != nil {
		return ctrl.Result{}, err
	}
	r.rollOut(w, step)
	r.tell(w, step, next)
	return ctrl.Result{RequeueAfter: step.Recheck}, nil
}

// save writes the status if it changed. It refuses when session is not the latest: a touch that we have not seen must win over
// a sleep that we have decided.
func (r *Reconciler) save(ctx context.Context, session, next *v1alpha1.Session) error {
	patch := client.MergeFromWithOptions(session, client.MergeFromWithOptimisticLock{})
	if same(session, next) || session.UID == "" { // there is none: its pod was left
		return nil
	}
	return r.Client.Status().Patch(ctx, next, patch, client.FieldOwner(v1alpha1.OwnerOperator))
}
