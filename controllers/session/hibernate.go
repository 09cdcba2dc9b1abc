package session

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// resize asks for the resources of a tier, of the pod as it runs.
func (r *Reconciler) resize(ctx context.Context, w *world, step lifecycle.Step) error {
	tiers := podspec.TiersOf(w.pod)
	if tiers == nil {
		return nil
	}
	want := tiers.Full
	if step.Verb == lifecycle.Shrink {
		want = tiers.Small
	}
	type container struct {
		Name      string                      `json:"name"`
		Resources corev1.ResourceRequirements `json:"resources"`
	}
	var containers []container
	for _, c := range w.pod.Spec.Containers {
		containers = append(containers, container{c.Name, want[c.Name]})
	}
	body, err := json.Marshal(map[string]any{"spec": map[string]any{"containers": containers}})
	if err != nil {
		return fmt.Errorf("write resources: %w", err)
	}
	err = r.Client.SubResource("resize").Patch(ctx, w.pod.DeepCopy(), client.RawPatch(types.StrategicMergePatchType, body))
	if apierrors.IsNotFound(err) || apierrors.IsInvalid(err) || apierrors.IsForbidden(err) {
		r.keepsSize(w, step, err)
		return movedOn("the pod keeps its size")
	}
	if err != nil {
		return fmt.Errorf("resize pod: %w", err)
	}
	return nil
}

// keepsSize notes that the API server does not let a pod be resized. One that cannot be shrunk stays as it is; one that cannot get its
// resources back is as good as stuck on its node.
func (r *Reconciler) keepsSize(w *world, step lifecycle.Step, why error) {
	r.event(w.session, corev1.EventTypeWarning, v1alpha1.EventHibernateFailed, "Resize", "Epoch %d keeps its size: %v", w.session.Status.Epoch, why)
	if step.Verb == lifecycle.Shrink {
		w.memory.full = w.pod.UID
		return
	}
	w.memory.small = w.pod.UID
}

// stuck says whether the pod's node cannot give it the resources that it asks for, or not now, or may not be asked to.
func stuck(w *world, small bool) bool {
	pod := w.pod
	return w.memory.small == pod.UID || !small && slices.ContainsFunc(pod.Status.Conditions, func(c corev1.PodCondition) bool {
		failed := c.Type == corev1.PodResizePending || c.Type == corev1.PodResizeInProgress && c.Reason == corev1.PodReasonError
		return failed && c.Status == corev1.ConditionTrue
	})
}

// hibernateAfter is how long nobody may need the session until its pod is small; 0 if it never is.
func hibernateAfter(w *world) time.Duration {
	if w.template == nil || w.template.Spec.Hibernate == nil || w.pod == nil || podspec.TiersOf(w.pod) == nil || w.memory.full == w.pod.UID {
		return 0
	}
	return w.template.Spec.Hibernate.After.Duration
}
