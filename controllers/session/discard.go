package session

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// discard ends or releases a pod without a word in the session's status, on which a touch or another operator could have a say.
func (r *Reconciler) discard(ctx context.Context, w *world, step lifecycle.Step) error {
	if err := r.ofThePast(ctx, w); err != nil {
		return err
	}
	if step.Verb == lifecycle.Release {
		return r.release(ctx, w.pod)
	}
	return r.stop(ctx, w)
}

// ofThePast is an error if the pod may be a later one than the session knows of as it was seen: sessions and pods are heard of by
// different watches. It is certain that it is not if its epoch is over: epochs only grow. Else the API server itself is asked.
func (r *Reconciler) ofThePast(ctx context.Context, w *world) error {
	epoch, _ := podspec.Epoch(w.pod)
	if epoch <= w.session.Status.Epoch && metav1.IsControlledBy(w.pod, w.session) {
		return nil
	}
	now := &v1alpha1.Session{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(w.session), now)
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("look at the session: %w", err)
	}
	if now.UID != w.session.UID || now.ResourceVersion != w.session.ResourceVersion {
		return movedOn("the session is another by now")
	}
	return nil
}
