package alarm

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// tries is how often a session is looked at again at once because somebody else wrote in between.
const tries = 5

// Reconciler wakes sessions by the clock. All fields are needed.
type Reconciler struct {
	// Client reads from the cache and writes.
	Client client.Client
	// Live reads from the API server.
	Live client.Reader
	// Events records why a schedule cannot be followed.
	Events events.EventRecorder
	// Now is the operator's clock.
	Now func() time.Time
}

// Reconcile touches a session whose time has come, and comes back at its next.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (result ctrl.Result, err error) {
	result, err = r.look(ctx, req.NamespacedName, r.Client)
	for try := 1; try < tries && apierrors.IsConflict(err); try++ {
		result, err = r.look(ctx, req.NamespacedName, r.Live)
	}
	return result, client.IgnoreNotFound(err)
}

func (r *Reconciler) look(ctx context.Context, name types.NamespacedName, from client.Reader) (ctrl.Result, error) {
	s := &v1alpha1.Session{}
	if err := from.Get(ctx, name, s); err != nil {
		return ctrl.Result{}, fmt.Errorf("get session: %w", err)
	}
	if left, err := r.leftAlone(ctx, s); left || err != nil {
		return ctrl.Result{}, err
	}
	now := r.Now()
	next, by, refused := observe(s, now)
	plan := planFor(next, by, now)
	ring(&next.Status, plan, now)
	if err := r.save(ctx, s, next); err != nil {
		return ctrl.Result{}, err
	}
	r.tell(s, next, refused)
	if plan.next.IsZero() {
		return ctrl.Result{}, nil
	}
	return ctrl.Result{RequeueAfter: plan.next.Sub(now)}, nil
}

// leftAlone says whether nobody is to wake the session: it is being deleted, it has done its work, or there is no template to make
// a pod of.
func (r *Reconciler) leftAlone(ctx context.Context, s *v1alpha1.Session) (bool, error) {
	if s.DeletionTimestamp != nil || s.Status.Phase == v1alpha1.PhaseCompleted {
		return true, nil
	}
	err := r.Client.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: s.Spec.Template}, &v1alpha1.SessionTemplate{})
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("get template: %w", err)
	}
	return false, nil
}

// save writes the status if it changed: the touch and the time that it is for at once, so that no crash comes between, and only
// over the version that was looked at, so that another operator's touch for the same time is seen.
func (r *Reconciler) save(ctx context.Context, s, next *v1alpha1.Session) error {
	if equality.Semantic.DeepEqual(s.Status, next.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(s, client.MergeFromWithOptimisticLock{})
	if err := r.Client.Status().Patch(ctx, next, patch, client.FieldOwner(v1alpha1.OwnerOperator)); err != nil {
		return fmt.Errorf("patch session status: %w", err)
	}
	return nil
}

// tell records the words about a schedule that was found to be invalid just now. The action says the generation, because client-go
// takes events of the same action and reason for one, and keeps the words of the first.
func (r *Reconciler) tell(s, next *v1alpha1.Session, refused error) {
	if refused != nil && !equality.Semantic.DeepEqual(s.Status.Conditions, next.Status.Conditions) {
		r.Events.Eventf(next, nil, corev1.EventTypeWarning, v1alpha1.ReasonInvalidSchedule, fmt.Sprintf("Schedule%d", next.Generation), "%s", refused)
	}
}
