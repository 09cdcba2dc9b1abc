package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Limits bounds the sessions.
func Limits(l v1alpha1.LimitsSpec) option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits = l }
}

// MakeSession makes the session of a key, on a tenant's account.
func (w *world) MakeSession(ctx context.Context, key, tenant string) {
	GinkgoHelper()
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: template + "." + key}}
	s.Spec = v1alpha1.SessionSpec{Template: template, Key: key, Tenant: tenant}
	Expect(cl.api.Create(ctx, s)).To(Succeed())
}

// crowd is how many pods each tenant has, as a watch tells it.
type crowd struct {
	mu   sync.Mutex
	pods map[string]map[string]bool // names, by tenant
	most map[string]int             // at once, by tenant
	lost bool                       // the watch has ended before the test
}

// watchPods follows the pods of the world until the test ends.
func (w *world) watchPods(ctx context.Context) *crowd {
	GinkgoHelper()
	c := &crowd{pods: map[string]map[string]bool{}, most: map[string]int{}}
	pods, err := cl.api.Watch(ctx, &corev1.PodList{}, client.InNamespace(w.namespace))
	Expect(err).NotTo(HaveOccurred())
	ended := make(chan struct{})
	DeferCleanup(func() { close(ended); pods.Stop() })
	go func() {
		for event := range pods.ResultChan() {
			c.take(event)
		}
		select {
		case <-ended:
		default:
			c.mu.Lock()
			defer c.mu.Unlock()
			c.lost = true
		}
	}()
	return c
}

func (c *crowd) take(event watch.Event) {
	pod, ok := event.Object.(*corev1.Pod)
	if !ok {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	tenant := pod.Labels[v1alpha1.LabelTenant]
	if c.pods[tenant] == nil {
		c.pods[tenant] = map[string]bool{}
	}
	if event.Type == watch.Deleted {
		delete(c.pods[tenant], pod.Name)
		return
	}
	c.pods[tenant][pod.Name] = true
	c.most[tenant] = max(c.most[tenant], len(c.pods[tenant]))
}

var _ = It("puts the session to sleep that has been idle longest, and saves it, when another one waits for its place (000-24, 000-56)", func(ctx SpecContext) {
	const idle = 2 * time.Minute // after half of which a session makes room
	w := Given(ctx, "evict", Idle(idle), WakeTimeout(2*idle), Saved(), Limits(v1alpha1.LimitsSpec{Awake: ptr.To[int32](2), WhenFull: v1alpha1.FullEvictIdle}))
	pods := w.watchPods(ctx)
	w.Count(ctx, "long")
	Expect(w.Count(ctx, "long").Count).To(BeEquivalentTo(2))
	Expect(w.Count(ctx, "short")).To(Served("short", 1))

	c := w.Count(ctx, "third")
	Expect(c).To(Served("third", 1))
	Expect(c.Took).To(BeNumerically("<", idle-3*time.Second), "it has waited for a sleep that was due")
	count, _ := state.saved(w.record("long"))
	Expect(count).To(BeEquivalentTo(2))
	Expect(w.Session(ctx, "long")).To(HaveField("Status.Phase", v1alpha1.PhaseAsleep))
	Expect(w.Session(ctx, "short")).To(HaveField("Status.Phase", v1alpha1.PhaseAwake), "it was needed later")

	pods.mu.Lock()
	defer pods.mu.Unlock()
	Expect(pods.lost).To(BeFalse())
	Expect(pods.most[""]).To(Equal(2))
	say("a third session has waited %s for the longest idle of two", c.Took.Round(100*time.Millisecond))
}, SpecTimeout(5*time.Minute))

var _ = It("refuses at once what is beyond a limit, where that is wished, and takes it when there is room (000-60)", func(ctx SpecContext) {
	w := Given(ctx, "reject", Idle(2*time.Second), Limits(v1alpha1.LimitsSpec{Awake: ptr.To[int32](1), WhenFull: v1alpha1.FullReject}))
	Expect(w.Count(ctx, "a")).To(Served("a", 1))
	b := w.Get(ctx, "b")
	Expect(b).To(Refused(http.StatusServiceUnavailable, "LimitReached"))
	Expect(b.Body).To(ContainSubstring(`"limit":"limits.awake"`))
	Expect(b.Header.Get("Retry-After")).To(Equal("2"))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Eventually(ctx, func(ctx context.Context) answer { return w.Get(ctx, "b") }).WithPolling(time.Second).Should(Served("b", 1))
}, SpecTimeout(5*time.Minute))

var _ = It("wakes as many sessions as limits.sessions, and refuses and removes what gateways that race have made beyond it (000-60)", func(ctx SpecContext) {
	const most, keys = 3, 12
	w := Given(ctx, "sessions", Limits(v1alpha1.LimitsSpec{Sessions: ptr.To[int32](most)}))
	pods := w.watchPods(ctx)
	answers := make([]answer, keys)
	var all sync.WaitGroup
	for i := range keys {
		all.Go(func() {
			defer GinkgoRecover()
			answers[i] = w.Get(ctx, fmt.Sprint("key-", i))
		})
	}
	all.Wait()
	served := 0
	for _, a := range answers {
		if a.Status == http.StatusOK {
			served++
			continue
		}
		Expect(a).To(Refused(http.StatusServiceUnavailable, "LimitReached"))
		Expect(a.Body).To(ContainSubstring(`"limit":"limits.sessions"`))
		Expect(a.Header.Get("Retry-After")).To(Equal("10"))
	}
	Expect(served).To(Equal(most))
	Eventually(ctx, func(ctx context.Context) int {
		var sessions v1alpha1.SessionList
		Expect(cl.api.List(ctx, &sessions, client.InNamespace(w.namespace))).To(Succeed())
		return len(sessions.Items)
	}).Should(Equal(most))
	pods.mu.Lock()
	defer pods.mu.Unlock()
	Expect(pods.lost).To(BeFalse())
	Expect(pods.most[""]).To(Equal(most))
}, SpecTimeout(5*time.Minute))
