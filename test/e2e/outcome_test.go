package e2e

import (
	"context"
	"fmt"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Work is a task that ends at once, with an exit code.
func Work(code string, outcomes ...v1alpha1.Outcome) option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Mode, t.Spec.Outcomes = v1alpha1.ModeTask, outcomes
		Failing(code)(t)
	}
}

// More adds a template to the world.
func (w *world) More(ctx context.Context, name string, options ...option) {
	GinkgoHelper()
	t := w.newTemplate()
	t.Name, t.Spec.Routes = name, nil
	for _, o := range options {
		o(t)
	}
	Expect(cl.api.Create(ctx, t)).To(Succeed())
}

// Of is the session of a template and a key, once it is there.
func (w *world) Of(ctx context.Context, template, key string) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{}
	Eventually(ctx, func(ctx context.Context) error {
		return cl.api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: template + "." + key}, s)
	}).Should(Succeed())
	return s
}

var _ = It("makes a machine and a record side by side, then what needs both; and repairs by the kind of failure (002-01, 002-03, 002-04, 002-05, 002-13, 002-18, 003-08)", func(ctx SpecContext) {
	w := Given(ctx, "chain", Work("0", v1alpha1.Outcome{Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{
		{Template: "machine"}, {Template: "record"}, {Template: "configure", After: "all"},
	}}))
	w.More(ctx, "machine", Work("42", v1alpha1.Outcome{ExitCodes: []int32{42}, Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{{Template: "repair"}}}))
	w.More(ctx, "repair", Work("0"))
	w.More(ctx, "record", Work("0"))
	w.More(ctx, "configure", Work("0"))

	began := time.Now()
	w.MakeSession(ctx, "web-1", "")
	Eventually(ctx, func() string { return w.Session(ctx, "web-1").ReadyReason() }).Should(Equal(v1alpha1.ReasonCompleted))
	took := time.Since(began)

	last := w.Of(ctx, "configure", "web-1")
	Expect(*last.Spec.Input).To(ContainSubstring(`"startedBy":"room.web-1"`))
	for _, before := range []string{"machine", "repair", "record"} {
		s := w.Of(ctx, before, "web-1")
		Expect(s.Status.Phase).To(Equal(v1alpha1.PhaseCompleted))
		Expect(last.CreationTimestamp.Time).To(BeTemporally(">=", s.Status.LastExit.EndTime.Time), "configure did not wait for %s", before)
	}
	Expect(*w.Of(ctx, "machine", "web-1").Status.LastExit.Code).To(BeEquivalentTo(42))
	Expect(w.Get(ctx, "web-1")).To(Refused(http.StatusGone, "Gone"))
	say("five tasks, two of them side by side, one repaired and one joined: %s", took.Round(100*time.Millisecond))
}, SpecTimeout(5*time.Minute))

var _ = It("runs a batch of 40 tasks with 4 at a time for each of two tenants, also when half of it comes later, and leaves nothing running (000-41, 000-42, 000-43, 000-44, 000-45, 000-47, 000-48, 000-50, 000-60, 003-06, 003-09)", func(ctx SpecContext) {
	const batch, most = 40, 4
	w := Given(ctx, "tasks", Work("0"), Limits(v1alpha1.LimitsSpec{PerTenant: v1alpha1.TenantLimits{Awake: ptr.To(int32(most))}}))
	pods := w.watchPods(ctx)
	began := time.Now()
	for i := range batch {
		if i == batch/2 {
			Eventually(ctx, w.pods).ShouldNot(BeEmpty(), "the first half does not begin")
		}
		w.MakeSession(ctx, fmt.Sprintf("job-%d", i), []string{"alice", "bob"}[i%2])
	}
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		var all v1alpha1.SessionList
		g.Expect(cl.api.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
		g.Expect(all.Items).To(HaveEach(HaveField("Status.Phase", v1alpha1.PhaseCompleted)))
		g.Expect(all.Items).To(HaveLen(batch))
	}).WithTimeout(10 * time.Minute).WithPolling(time.Second).Should(Succeed())

	Eventually(ctx, w.pods).Should(BeEmpty(), "something runs when nothing waits")
	pods.mu.Lock()
	defer pods.mu.Unlock()
	Expect(pods.lost).To(BeFalse())
	Expect(pods.most).To(Equal(map[string]int{"alice": most, "bob": most}))
	say("%d tasks of two tenants, %d at a time each: %s", batch, most, time.Since(began).Round(time.Second))
}, SpecTimeout(12*time.Minute))
