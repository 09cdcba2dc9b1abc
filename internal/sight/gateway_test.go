package sight

import (
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

func lease(watermark, unsettled string, taken time.Time) *coordinationv1.Lease {
	l := &coordinationv1.Lease{}
	l.Annotations = map[string]string{v1alpha1.AnnotationWatermark: watermark, v1alpha1.AnnotationUnsettled: unsettled}
	at := metav1.NewMicroTime(taken)
	l.Spec.AcquireTime = &at
	return l
}

func TestVouches(t *testing.T) {
	for _, c := range []struct {
		name, watermark, unsettled string
		want                       bool
	}{
		{"it has seen that version", "100", "", true},
		{"it has seen a later one", "1000", "", true},
		{"it has not seen it", "99", "", false},
		{"it has just started", "", "", false},
		{"its watermark cannot be read", "x", "", false},
		{"it does not vouch for this session", "100", "b,a", false},
		{"it does not vouch for others", "100", "b,c", true},
	} {
		if got := vouches(lease(c.watermark, c.unsettled, time.Now()), types.UID("a"), "100"); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// Only a later second is proof that a container ended after its process took the Lease.
func TestEnded(t *testing.T) {
	taken := time.Date(2026, 1, 1, 12, 0, 0, 500e6, time.UTC)
	second := func(n int) metav1.Time {
		return metav1.NewTime(taken.Truncate(time.Second).Add(time.Duration(n) * time.Second))
	}
	terminated := func(n int) *corev1.ContainerStateTerminated {
		return &corev1.ContainerStateTerminated{FinishedAt: second(n)}
	}
	running := func(n int) *corev1.ContainerStateRunning { return &corev1.ContainerStateRunning{StartedAt: second(n)} }
	for _, c := range []struct {
		name   string
		status corev1.ContainerStatus
		want   bool
	}{
		{"it runs", corev1.ContainerStatus{State: corev1.ContainerState{Running: running(0)}}, false},
		{"it ended a second later", corev1.ContainerStatus{State: corev1.ContainerState{Terminated: terminated(1)}}, true},
		{"another ended in the same second", corev1.ContainerStatus{State: corev1.ContainerState{Terminated: terminated(0)}}, false},
		{"it ended, and the next one runs", corev1.ContainerStatus{
			State: corev1.ContainerState{Running: running(2)}, LastTerminationState: corev1.ContainerState{Terminated: terminated(1)},
		}, true},
		{"the one before ended when the clock was ahead", corev1.ContainerStatus{
			State: corev1.ContainerState{Running: running(0)}, LastTerminationState: corev1.ContainerState{Terminated: terminated(60)},
		}, false},
	} {
		c.status.Name = v1alpha1.ComponentGateway
		pod := &corev1.Pod{Status: corev1.PodStatus{ContainerStatuses: []corev1.ContainerStatus{c.status}}}
		if got := ended(pod, lease("1", "", taken)); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
		c.status.Name = "sidecar"
		pod.Status.ContainerStatuses[0] = c.status
		if ended(pod, lease("1", "", taken)) {
			t.Errorf("%s: a sidecar counted", c.name)
		}
	}
}
