package e2e

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// cordon says whether the node of a pod takes new pods.
func cordon(ctx context.Context, node string, closed bool) {
	GinkgoHelper()
	n := &corev1.Node{}
	Expect(cl.api.Get(ctx, client.ObjectKey{Name: node}, n)).To(Succeed())
	before := n.DeepCopy()
	n.Spec.Unschedulable = closed
	Expect(cl.api.Patch(ctx, n, client.MergeFrom(before))).To(Succeed())
}

var _ = It("holds requests while a node is drained, and answers all of them when there is a node again (002-23, 000-11)", Serial, func(ctx SpecContext) {
	w := Given(ctx, "drained", Idle(time.Minute))
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	pod := w.Pod(ctx, "a")
	node := pod.Spec.NodeName
	DeferCleanup(func(ctx context.Context) { cordon(ctx, node, false) }, NodeTimeout(time.Minute))

	cordon(ctx, node, true)
	Expect(cl.api.SubResource("eviction").Create(ctx, &pod, &policyv1.Eviction{})).To(Succeed())
	w.Ends(ctx, pod)
	const callers = 20
	answers := make(chan answer, callers)
	for range callers {
		go func() {
			defer GinkgoRecover()
			answers <- w.Get(ctx, "a")
		}()
	}
	Eventually(ctx, func() string { return w.Session(ctx, "a").ReadyReason() }).Should(Equal(v1alpha1.ReasonUnschedulable))
	Expect(answers).To(BeEmpty())
	cordon(ctx, node, false)
	for range callers {
		var a answer
		Eventually(ctx, answers).Should(Receive(&a))
		Expect(a).To(Served("a", 2))
	}
	Expect(w.Session(ctx, "a").Status.Failures).To(BeNil(), "an eviction is no failure")
	say("%d requests were held until the node took pods again; none failed", callers)
}, SpecTimeout(5*time.Minute))

// Ends waits until a pod is gone, so that no gateway that has not heard yet can be answered by it.
func (w *world) Ends(ctx context.Context, pod corev1.Pod) {
	GinkgoHelper()
	Eventually(ctx, func(ctx context.Context) bool {
		now := &corev1.Pod{}
		err := cl.api.Get(ctx, client.ObjectKeyFromObject(&pod), now)
		return apierrors.IsNotFound(err) || err == nil && now.UID != pod.UID
	}).Should(BeTrue(), "pod %s does not end", pod.Name)
}

// Unpublishes waits until no request for a key goes to a pod any more.
func (w *world) Unpublishes(ctx context.Context, key string, pod corev1.Pod) {
	GinkgoHelper()
	Eventually(ctx, func(ctx context.Context) bool {
		e := w.Session(ctx, key).Status.Endpoint
		return e == nil || e.UID != pod.UID
	}).WithPolling(2*time.Millisecond).Should(BeTrue(), "a pod that is being deleted is not published")
}

var _ = It("starts no second process beside one whose pod was deleted by force (000-03)", func(ctx SpecContext) {
	w := Given(ctx, "forced", Idle(time.Minute))
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	pod := w.Pod(ctx, "a")
	Expect(cl.api.Delete(ctx, &pod, client.GracePeriodSeconds(0))).To(Succeed())
	w.Unpublishes(ctx, "a", pod)
	w.Ends(ctx, pod)
	Expect(w.Get(ctx, "a")).To(Served("a", 2))
	last := w.Session(ctx, "a").Status.LastExit
	Expect(last.Evidence).To(Equal("Kubelet"))
	second := w.Pod(ctx, "a")
	Eventually(ctx, func() *corev1.ContainerStateRunning { return w.Pod(ctx, "a").Status.ContainerStatuses[0].State.Running }).ShouldNot(BeNil())
	Expect(second.CreationTimestamp.Time).To(BeTemporally(">=", last.EndTime.Time), "the second pod was made before the first process had ended")
}, SpecTimeout(5*time.Minute))

var _ = It("sleeps while it is suspended, with its state, and refuses requests meanwhile", func(ctx SpecContext) {
	w := Given(ctx, "suspended", Saved())
	Expect(w.Count(ctx, "a")).To(Served("a", 1))
	w.Change(ctx, "a", func(spec *v1alpha1.SessionSpec) { spec.Suspend = true })
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Expect(w.Get(ctx, "a")).To(Refused(http.StatusServiceUnavailable, "Suspended"))
	Eventually(ctx, w.pods).Should(BeEmpty())
	w.Change(ctx, "a", func(spec *v1alpha1.SessionSpec) { spec.Suspend = false })
	a := w.Get(ctx, "a")
	Expect(a).To(Served("a", 2))
	Expect(a.Count).To(BeEquivalentTo(1))
}, SpecTimeout(5*time.Minute))

var _ = It("deletes a session that has slept for its lifetime", func(ctx SpecContext) {
	w := Given(ctx, "lifetime", Idle(time.Second), func(t *v1alpha1.SessionTemplate) {
		t.Spec.Lifetime.Asleep = &metav1.Duration{Duration: 3 * time.Second}
	})
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Eventually(ctx, w.sessions).Should(BeEmpty())
	Expect(w.Get(ctx, "a")).To(Served("a", 1), "a key that begins anew")
}, SpecTimeout(5*time.Minute))
