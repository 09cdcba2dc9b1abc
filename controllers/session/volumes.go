package session

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// provide makes the claims that the session's next pod needs and that are not there, and notes all of them in that pod. None is
// made where one of them stands in the way of the start. Claims are looked at only here, and at the API server itself: what a cache
// has not heard of must not be taken for lost, nor a lost one for there.
func (r *Reconciler) provide(ctx context.Context, w *world, pod *corev1.Pod) (err error) {
	claims := podspec.Claims(w.template, w.session)
	for i := range claims {
		if claims[i].Found, err = r.claimOf(ctx, claims[i].Wish); err != nil {
			return err
		}
	}
	if reason, words := podspec.Unusable(w.session, claims); reason != "" {
		w.memory.refused = &refusal{lifecycle.Reason(reason), words}
		return movedOn("a volume cannot be used")
	}
	for i := range claims {
		if err := r.claim(ctx, w, &claims[i]); err != nil {
			return err
		}
	}
	podspec.NoteClaims(pod, claims)
	return nil
}

// claimOf is the claim of that name, or nil.
func (r *Reconciler) claimOf(ctx context.Context, wish *corev1.PersistentVolumeClaim) (*corev1.PersistentVolumeClaim, error) {
	found := &corev1.PersistentVolumeClaim{}
	err := r.Live.Get(ctx, client.ObjectKeyFromObject(wish), found)
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get volume claim: %w", err)
	}
	return found, nil
}

// claim makes a claim that was not found. One that is there all the same was made by somebody since, and is looked at anew.
func (r *Reconciler) claim(ctx context.Context, w *world, c *podspec.Claim) error {
	if c.Found != nil {
		return nil
	}
	err := r.Client.Create(ctx, c.Wish, client.FieldOwner(v1alpha1.OwnerOperator))
	switch {
	case apierrors.IsAlreadyExists(err):
		return movedOn("a volume claim was made in between")
	case rejected(err):
		w.memory.refused = &refusal{lifecycle.ReasonPodRejected, err.Error()}
		return movedOn("a volume claim was rejected")
	case err != nil:
		return fmt.Errorf("create volume claim: %w", err)
	}
	c.Found = c.Wish
	return nil
}

// remember brings the record of the session's volumes up to date with those that its pod was made with. What the pod does not have
// stays on record: a template may ask for it again. A pod that never served adds nothing to the record; it takes the place of what
// somebody has given up.
func remember(status *v1alpha1.SessionStatus, pod *corev1.Pod, served bool) {
	for _, v := range podspec.VolumesOf(pod) {
		known := false
		for i := range status.Volumes {
			if status.Volumes[i].Name == v.Name {
				status.Volumes[i].UID, known = v.UID, true
			}
		}
		if served && !known {
			status.Volumes = append(status.Volumes, v)
		}
	}
}
