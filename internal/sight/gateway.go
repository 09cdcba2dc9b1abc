package sight

import (
	"context"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// vouches says whether the gateway of a Lease has acted on this version of a session. A watermark that cannot be read vouches
// for nothing.
func vouches(lease *coordinationv1.Lease, uid types.UID, version string) bool {
	for _, unsettled := range strings.Split(lease.Annotations[v1alpha1.AnnotationUnsettled], ",") {
		if unsettled == string(uid) {
			return false
		}
	}
	order, err := resourceversion.CompareResourceVersion(lease.Annotations[v1alpha1.AnnotationWatermark], version)
	return err == nil && order >= 0
}

// lives gives a function that says whether the process that holds a Lease may still run, asking once for each Lease. A Lease
// that is late proves nothing; only Kubernetes' word that pod or container are over does.
func (s *Sight) lives(ctx context.Context) func(*coordinationv1.Lease) bool {
	known := map[string]bool{}
	return func(lease *coordinationv1.Lease) bool {
		if _, ok := known[lease.Name]; !ok {
			known[lease.Name] = s.mayRun(ctx, lease)
		}
		return known[lease.Name]
	}
}

func (s *Sight) mayRun(ctx context.Context, lease *coordinationv1.Lease) bool {
	uid := lease.Annotations[v1alpha1.AnnotationPodUID]
	if uid == "" {
		return true
	}
	var pod corev1.Pod
	err := s.Reader.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: lease.Name}, &pod)
	switch {
	case apierrors.IsNotFound(err):
		return false
	case err != nil:
		log.FromContext(ctx).Error(err, "look at a gateway's pod", "pod", lease.Name)
		return true
	case string(pod.UID) != uid:
		return false
	}
	return !ended(&pod, lease)
}

// ended says whether the gateway's container has ended since its process took the Lease. All times come from the clock of the
// gateway's node; the kubelet's have whole seconds, cut off, so that a later second is certain and the same one is not.
func ended(pod *corev1.Pod, lease *coordinationv1.Lease) bool {
	if lease.Spec.AcquireTime == nil {
		return false
	}
	taken := lease.Spec.AcquireTime.Time
	for i := range pod.Status.ContainerStatuses {
		c := &pod.Status.ContainerStatuses[i]
		if c.Name != v1alpha1.ComponentGateway {
			continue
		}
		if running := c.State.Running; running != nil && !running.StartedAt.After(taken) {
			return false // the process that took the Lease, even if the clock was set back since the one before it ended
		}
		return endedAfter(c.State.Terminated, taken) || endedAfter(c.LastTerminationState.Terminated, taken)
	}
	return false
}

func endedAfter(t *corev1.ContainerStateTerminated, taken time.Time) bool {
	return t != nil && t.FinishedAt.After(taken)
}
