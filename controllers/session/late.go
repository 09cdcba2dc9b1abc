package session

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// The caches of sessions, pods and nodes are late, each by a time of its own. What follows from a write that the API server refuses
// to whoever is late may be decided on them. What follows from nothing but a look is asked of the API server itself.

// podOf is the pod of the session's name, if it is a session's. That a published pod has vanished is asked of the API server
// itself: a cache may not have heard of it yet. It has vanished, too, where another has its name.
func (r *Reconciler) podOf(ctx context.Context, from client.Reader, s *v1alpha1.Session) (*corev1.Pod, error) {
	pod := &corev1.Pod{}
	err := from.Get(ctx, client.ObjectKeyFromObject(s), pod)
	if s.Status.Pod != nil && (apierrors.IsNotFound(err) || err == nil && pod.UID != s.Status.Pod.UID) {
		pod = &corev1.Pod{}
		err = r.Live.Get(ctx, client.ObjectKeyFromObject(s), pod)
	}
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get pod: %w", err)
	}
	if _, ours := podspec.Epoch(pod); !ours {
		return nil, nil // a create will find it, and say so
	}
	if s.Status.Pod != nil && pod.UID != s.Status.Pod.UID {
		return nil, nil
	}
	return pod, nil
}

// nodeGone says whether the node of a pod that is being deleted is gone or out of service. That it is, is asked of the API server
// itself: a cache may not have heard of the node yet, or not that it is back.
func (r *Reconciler) nodeGone(ctx context.Context, pod *corev1.Pod) (bool, error) {
	if pod == nil || pod.DeletionTimestamp == nil || pod.Spec.NodeName == "" {
		return false, nil
	}
	node := &corev1.Node{}
	err := r.Client.Get(ctx, client.ObjectKey{Name: pod.Spec.NodeName}, node)
	if apierrors.IsNotFound(err) || err == nil && outOfService(node) {
		node = &corev1.Node{}
		err = r.Live.Get(ctx, client.ObjectKey{Name: pod.Spec.NodeName}, node)
	}
	if apierrors.IsNotFound(err) {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("get node: %w", err)
	}
	return outOfService(node), nil
}

func outOfService(node *corev1.Node) bool {
	for _, t := range node.Spec.Taints {
		if t.Key == corev1.TaintNodeOutOfService {
			return true
		}
	}
	return false
}
