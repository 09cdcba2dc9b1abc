package e2e

import (
	"context"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// The two halves of Dormouse, as their pods are labelled.
const (
	operators = "operator"
	gateways  = "gateway"
)

// podsOf are the pods of one half that are not about to go.
func (c *cluster) podsOf(ctx context.Context, half string) []corev1.Pod {
	GinkgoHelper()
	var list corev1.PodList
	Expect(c.api.List(ctx, &list, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/component": half})).To(Succeed())
	var pods []corev1.Pod
	for _, p := range list.Items {
		if p.DeletionTimestamp == nil {
			pods = append(pods, p)
		}
	}
	return pods
}

// restarts counts how often the containers of Dormouse were started again, by pod.
func (c *cluster) restarts(ctx context.Context) map[string]int {
	GinkgoHelper()
	counts := map[string]int{}
	for _, half := range []string{operators, gateways} {
		for _, p := range c.podsOf(ctx, half) {
			for _, s := range p.Status.ContainerStatuses {
				counts[p.Name] += int(s.RestartCount)
			}
		}
	}
	return counts
}

// leader is the name of the operator's pod that leads, and when it last said so.
func (c *cluster) leader(ctx context.Context) (pod string, at time.Time) {
	GinkgoHelper()
	var lease coordinationv1.Lease
	Expect(c.api.Get(ctx, client.ObjectKey{Namespace: system, Name: "dormouse-operator"}, &lease)).To(Succeed())
	return ptr.Deref(lease.Spec.HolderIdentity, ""), ptr.Deref(lease.Spec.RenewTime, metav1.MicroTime{}).Time
}

// killScript ends every process of the container whose id is $1 with kill -9, and prints their numbers when the last thread of each is gone:
// until then its sockets may accept.
const killScript = `for f in /proc/[0-9]*/cgroup; do
	grep -qs "$1" "$f" || continue
	pid=${f#/proc/} pid=${pid%/cgroup}
	kill -9 "$pid" && killed="$killed $pid"
done
for pid in $killed; do
	while [ "$(ls "/proc/$pid/task" 2>/dev/null | wc -l)" -gt 1 ] || grep -qs '^State:.[^XZ]' "/proc/$pid/status"; do sleep 0.01; done
	echo "$pid"
done`

// kill ends the processes of a pod's only container behind the back of Kubernetes, and returns how many there were, when they are gone.
func (c *cluster) kill(ctx context.Context, pod corev1.Pod) int {
	GinkgoHelper()
	Expect(pod.Status.ContainerStatuses).To(HaveLen(1))
	_, id, ok := strings.Cut(pod.Status.ContainerStatuses[0].ContainerID, "://")
	Expect(ok && len(id) >= 32).To(BeTrue(), "the id of the container of %s: %q", pod.Name, id)
	command := append(append([]string{}, c.Shell...), "sh", "-c", killScript, "sh", id)
	return len(strings.Fields(c.run(ctx, command[0], command[1:]...)))
}

// killPart kills the process of a pod of Dormouse and waits until it has been started again and is ready.
func (c *cluster) killPart(ctx context.Context, pod corev1.Pod) {
	GinkgoHelper()
	Eventually(ctx, func(g Gomega, ctx context.Context) { // its container may be another one by now: an operator that cannot renew its lease ends itself
		g.Expect(c.api.Get(ctx, client.ObjectKeyFromObject(&pod), &pod)).To(Succeed())
		g.Expect(c.kill(ctx, pod)).To(Equal(1), "processes of %s", pod.Name)
	}).WithPolling(time.Second).Should(Succeed())
	c.Kills[pod.Name]++
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		var now corev1.Pod
		g.Expect(c.api.Get(ctx, client.ObjectKeyFromObject(&pod), &now)).To(Succeed())
		g.Expect(now.Status.ContainerStatuses[0].RestartCount).To(BeNumerically(">", pod.Status.ContainerStatuses[0].RestartCount))
		g.Expect(now.Status.ContainerStatuses[0].Ready).To(BeTrue())
	}).Should(Succeed(), "%s is not back", pod.Name)
}

// scaleOperator sets the operator's replicas and waits until that many are ready, and no other is left.
func (c *cluster) scaleOperator(ctx context.Context, replicas int32) {
	GinkgoHelper()
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Namespace: system, Name: release + "-operator"}}
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"replicas":`+string('0'+rune(replicas))+`}}`))
	Expect(c.api.Patch(ctx, d, patch)).To(Succeed())
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		var pods corev1.PodList
		g.Expect(c.api.List(ctx, &pods, client.InNamespace(system), client.MatchingLabels{"app.kubernetes.io/component": operators})).To(Succeed())
		g.Expect(pods.Items).To(HaveLen(int(replicas)))
		for _, p := range pods.Items {
			g.Expect(p.Status.ContainerStatuses).To(HaveLen(1))
			g.Expect(p.Status.ContainerStatuses[0].Ready).To(BeTrue())
		}
	}).Should(Succeed(), "the operator does not have %d pods", replicas)
}
