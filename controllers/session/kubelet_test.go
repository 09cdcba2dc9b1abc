package session

import (
	"context"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gtypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// There is no kubelet in these stories: what one would write is written here.

// Pod is the session's pod, or nil.
func Pod(ctx context.Context, s *v1alpha1.Session) *corev1.Pod {
	GinkgoHelper()
	pod := &corev1.Pod{}
	err := api.Get(ctx, client.ObjectKeyFromObject(s), pod)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return pod
}

func status(ctx context.Context, s *v1alpha1.Session, change func(*corev1.PodStatus)) {
	GinkgoHelper()
	pod := Pod(ctx, s)
	Expect(pod).NotTo(BeNil(), "the session has no pod")
	change(&pod.Status)
	Expect(api.Status().Update(ctx, pod)).To(Succeed())
}

// Runs is a kubelet that started the pod.
func Runs(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	pod := Pod(ctx, s)
	Expect(pod).NotTo(BeNil(), "the session has no pod")
	if pod.Spec.NodeName == "" {
		bind(ctx, pod)
	}
	status(ctx, s, func(p *corev1.PodStatus) {
		p.Phase, p.PodIP, p.PodIPs = corev1.PodRunning, "127.1.2.3", []corev1.PodIP{{IP: "127.1.2.3"}}
		p.ContainerStatuses = []corev1.ContainerStatus{{
			Name: "table", State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}, Resources: pod.Spec.Containers[0].Resources.DeepCopy(),
		}}
	})
}

func bind(ctx context.Context, pod *corev1.Pod) {
	GinkgoHelper()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1"}}
	err := api.Create(ctx, node)
	Expect(client.IgnoreAlreadyExists(err)).To(Succeed())
	if err == nil {
		node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100")}
		Expect(api.Status().Update(ctx, node)).To(Succeed())
	}
	Expect(api.SubResource("binding").Create(ctx, pod, &corev1.Binding{Target: corev1.ObjectReference{Kind: "Node", Name: node.Name}})).To(Succeed())
}

// Ends is a kubelet that saw the container end.
func Ends(ctx context.Context, s *v1alpha1.Session, code int32, words string) {
	GinkgoHelper()
	status(ctx, s, func(p *corev1.PodStatus) {
		p.Phase = corev1.PodFailed
		reason := "Error"
		if code == 0 {
			p.Phase, reason = corev1.PodSucceeded, "Completed"
		}
		p.ContainerStatuses = []corev1.ContainerStatus{{Name: "table", State: corev1.ContainerState{
			Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason, Message: words},
		}}}
	})
}

// Waits is a kubelet that cannot start the container.
func Waits(ctx context.Context, s *v1alpha1.Session, reason, words string) {
	GinkgoHelper()
	status(ctx, s, func(p *corev1.PodStatus) {
		p.Phase = corev1.PodPending
		p.ContainerStatuses = []corev1.ContainerStatus{{Name: "table", State: corev1.ContainerState{
			Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: words},
		}}}
	})
}

// GivenAwake is a session that was touched and is served.
func GivenAwake(ctx context.Context, key string) *v1alpha1.Session {
	GinkgoHelper()
	s := GivenSession(ctx, key)
	Touch(ctx, s)
	Turn(ctx, s) // our finalizer
	Turn(ctx, s) // the pod
	Runs(ctx, s)
	Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
	Turn(ctx, s) // it sees its own publication, from which idle time runs
	return s
}

// HavePhase matches a session by its phase.
func HavePhase(phase v1alpha1.SessionPhase) gtypes.GomegaMatcher {
	return WithTransform(func(s *v1alpha1.Session) v1alpha1.SessionPhase { return s.Status.Phase }, Equal(phase))
}

// HaveReason matches a session by the reason of its Ready condition.
func HaveReason(reason string) gtypes.GomegaMatcher {
	return WithTransform((*v1alpha1.Session).ReadyReason, Equal(reason))
}
