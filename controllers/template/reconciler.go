package template

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// Reconciler keeps the status of SessionTemplates. All exported fields are needed.
type Reconciler struct {
	client.Client
	Clock  clock.PassiveClock
	Events events.EventRecorder
	// API is the URL that the pods of templates with selfCalls call.
	API string

	memory memory
}

// Reconcile judges a template when it has not judged this generation of it, or when the verdict may have passed, and
// counts its sessions at most once in ten seconds, and not while what has happened to one is a second old.
func (r *Reconciler) Reconcile(ctx context.Context, req ctrl.Request) (ctrl.Result, error) {
	t := &v1alpha1.SessionTemplate{}
	if err := r.Get(ctx, req.NamespacedName, t); err != nil {
		r.memory.forget(req.NamespacedName)
		unmeasure(req.NamespacedName)
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	now := r.Clock.Now()
	before := r.memory.of(t)
	due := plan(t, before, now)
	seen, err := r.observe(ctx, t, due, now)
	if err != nil {
		return ctrl.Result{}, err
	}
	next := report(t, seen, now)
	if err := r.save(ctx, t, next); err != nil {
		return ctrl.Result{}, ignoreStale(err)
	}
	r.tell(next, seen.verdict)
	measure(next)
	r.tellTaken(t, next)
	after := before.with(seen, now)
	r.memory.keep(t, after)
	return ctrl.Result{RequeueAfter: recheck(next, after, due, now)}, nil
}

func (r *Reconciler) observe(ctx context.Context, t *v1alpha1.SessionTemplate, due due, now time.Time) (observation, error) {
	var seen observation
	var err error
	if due.judge {
		if seen.verdict, err = r.judge(ctx, t, now); err != nil {
			return seen, err
		}
	}
	if due.count {
		if seen.counts, err = r.count(ctx, t); err != nil {
			return seen, err
		}
	}
	seen.taken, err = r.taken(ctx, t)
	return seen, err
}

func (r *Reconciler) judge(ctx context.Context, t *v1alpha1.SessionTemplate, now time.Time) (*verdict, error) {
	if v := check(t); v != nil {
		return v, nil
	}
	s := example(t, now)
	for _, c := range podspec.Claims(t, s) {
		if v, err := r.try(ctx, c.Wish); err != nil || v == nil || v.reason != v1alpha1.ReasonAccepted {
			return v, err
		}
	}
	pod := podspec.For(t, s, 1)
	podspec.AddSelfCalls(pod, t, r.API)
	return r.try(ctx, pod)
}

// try asks the API server in a dry run whether it would take a pod or a volume claim.
func (r *Reconciler) try(ctx context.Context, o client.Object) (*verdict, error) {
	return judgeAnswer(r.Create(ctx, o, client.DryRunAll, client.FieldValidation(metav1.FieldValidationStrict)))
}

func (r *Reconciler) count(ctx context.Context, t *v1alpha1.SessionTemplate) (*v1alpha1.SessionCounts, error) {
	var sessions v1alpha1.SessionList
	err := r.List(ctx, &sessions, client.InNamespace(t.Namespace), client.MatchingFields{v1alpha1.FieldTemplate: t.Name},
		client.UnsafeDisableDeepCopy)
	if err != nil {
		return nil, fmt.Errorf("list sessions: %w", err)
	}
	counts := countPhases(sessions.Items)
	return &counts, nil
}

// save writes the status if it has changed. It refuses when t is not the latest version: what a former leader has found
// out must not replace what its successor has.
func (r *Reconciler) save(ctx context.Context, t, next *v1alpha1.SessionTemplate) error {
	if equality.Semantic.DeepEqual(t.Status, next.Status) {
		return nil
	}
	patch := client.MergeFromWithOptions(t, client.MergeFromWithOptimisticLock{})
	if err := r.Status().Patch(ctx, next, patch, client.FieldOwner(v1alpha1.OwnerOperator)); err != nil {
		return fmt.Errorf("patch template status: %w", err)
	}
	return nil
}

// tell records the words of a rejection as an event.
func (r *Reconciler) tell(t *v1alpha1.SessionTemplate, v *verdict) {
	if v == nil || v.reason == v1alpha1.ReasonAccepted {
		return
	}
	r.Events.Eventf(t, nil, corev1.EventTypeWarning, v.reason, action(v.words), "%s", note(v.words))
}

// ignoreStale drops the error of a write that came too late: the version that it did not know brings its own event.
func ignoreStale(err error) error {
	if apierrors.IsConflict(err) || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
