package e2e

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// seat is what the node of a test has one of, so that a pod that needs it preempts another, and no pod of anybody else's.
const seat = "example.com/seat"

// oneSeat gives a node the one seat, until the test ends.
func oneSeat(ctx context.Context, node string) {
	GinkgoHelper()
	const at = "/status/capacity/example.com~1seat"
	patch := func(ctx context.Context, operation string) error {
		n := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node}}
		return cl.api.Status().Patch(ctx, n, client.RawPatch("application/json-patch+json", []byte(operation)))
	}
	Expect(patch(ctx, `[{"op":"add","path":"`+at+`","value":"1"}]`)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(patch(ctx, `[{"op":"remove","path":"`+at+`"}]`)).To(Succeed())
	}, NodeTimeout(time.Minute))
	Eventually(ctx, func(ctx context.Context) corev1.ResourceList {
		n := &corev1.Node{}
		Expect(cl.api.Get(ctx, client.ObjectKey{Name: node}, n)).To(Succeed())
		return n.Status.Allocatable
	}).Should(HaveKey(corev1.ResourceName(seat)))
}

// preemptor is a pod like another one, which it takes the seat from.
func (w *world) preemptor(ctx context.Context, of corev1.Pod) *corev1.Pod {
	GinkgoHelper()
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}, Value: 1000}
	Expect(cl.api.Create(ctx, class)).To(Succeed())
	DeferCleanup(func(ctx context.Context) { Expect(cl.api.Delete(ctx, class)).To(Succeed()) }, NodeTimeout(time.Minute))
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: "preemptor"}, Spec: *of.Spec.DeepCopy()}
	pod.Spec.NodeName, pod.Spec.Priority, pod.Spec.PreemptionPolicy = "", nil, nil
	pod.Spec.PriorityClassName = class.Name
	Expect(cl.api.Create(ctx, pod)).To(Succeed())
	return pod
}

var _ = It("holds a request while a pod of higher priority has its place, and answers it when that is gone (002-23)", func(ctx SpecContext) {
	w := Given(ctx, "preempted", Idle(time.Minute), func(t *v1alpha1.SessionTemplate) {
		t.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{seat: resource.MustParse("1")}
	})
	oneSeat(ctx, cl.Node)
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	first := w.Pod(ctx, "a")
	preemptor := w.preemptor(ctx, first)
	w.Ends(ctx, first)

	held := make(chan answer, 1)
	go func() {
		defer GinkgoRecover()
		held <- w.Get(ctx, "a")
	}()
	Eventually(ctx, func() string { return w.Session(ctx, "a").ReadyReason() }).Should(Equal(v1alpha1.ReasonUnschedulable))
	Expect(held).To(BeEmpty())
	Expect(cl.api.Delete(ctx, preemptor)).To(Succeed())
	Eventually(ctx, held).Should(Receive(Served("a", 2)))
	s := w.Session(ctx, "a")
	Expect(s.Status.LastExit.Reason).To(Equal(corev1.PodReasonPreemptionByScheduler))
	Expect(s.Status.Failures).To(BeNil(), "a preemption is no failure")
}, SpecTimeout(5*time.Minute))

var _ = It("lets a namespace go with the sessions in it, and answers for what is gone", func(ctx SpecContext) {
	w := Given(ctx, "namespace", Idle(time.Minute), Saved())
	Expect(w.Count(ctx, "awake")).To(Served("awake", 1))
	Expect(w.Count(ctx, "asleep")).To(Served("asleep", 1))
	w.Change(ctx, "asleep", func(spec *v1alpha1.SessionSpec) { spec.Suspend = true })
	w.Becomes(ctx, "asleep", v1alpha1.PhaseAsleep, time.Minute)

	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	Expect(cl.api.Delete(ctx, space)).To(Succeed())
	Eventually(ctx, func(ctx context.Context) bool {
		err := cl.api.Get(ctx, client.ObjectKeyFromObject(space), space)
		return apierrors.IsNotFound(err)
	}).WithTimeout(90*time.Second).Should(BeTrue(), "something keeps the namespace")
	for _, key := range []string{"awake", "asleep", "new"} {
		Eventually(ctx, w.Get).WithArguments(key).Should(Refused(http.StatusNotFound, "NoRoute"))
	}
}, SpecTimeout(5*time.Minute))
