package e2e

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	sessionapi "github.com/dormouse-dev/dormouse/client"
)

// SelfCalls lets the workload call the gateways.
func SelfCalls() option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.SelfCalls = true }
}

// API calls the Session API of any gateway.
func (w *world) API() *sessionapi.Client {
	g := w.gateways[rand.IntN(len(w.gateways))]
	return sessionapi.New(g.url(""), sessionapi.Options{HTTP: g.client})
}

// Trusting has a template say who may, and say that anybody may: so whoever comes may bring an input.
func Trusting() option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Access = &v1alpha1.AccessSpec{Kubernetes: true} }
}

// a names the session of key a to the Session API.
func (w *world) a() sessionapi.Ref {
	return sessionapi.Ref{Namespace: w.namespace, Template: template, Key: "a"}
}

var _ = It("runs a batch of 40 tasks that one request stores, at most 4 at a time, and runs none twice when the request is sent again (000-41, 000-42, 000-43, 000-44, 000-45, 000-47, 000-48, 000-49, 000-50)", func(ctx SpecContext) {
	const batch, most = 40, 4
	asks(ctx)
	w := Given(ctx, "batch", Work("0"), Trusting(), Limits(v1alpha1.LimitsSpec{Awake: ptr.To[int32](most)}))
	pods := w.watchPods(ctx)
	var lines []sessionapi.Line
	for i := range batch {
		lines = append(lines, sessionapi.Line{Key: fmt.Sprintf("job-%d", i), Spec: sessionapi.Spec{Input: ptr.To(fmt.Sprint(i))}})
	}
	began := time.Now()
	results, err := w.API().CreateAll(ctx, w.namespace, template, lines)
	Expect(err).NotTo(HaveOccurred())
	Expect(results).To(And(HaveLen(batch), HaveEach(HaveField("Status", http.StatusCreated))))
	stored := time.Since(began)
	results, err = w.API().CreateAll(ctx, w.namespace, template, lines)
	Expect(err).NotTo(HaveOccurred())
	Expect(results).To(HaveEach(HaveField("Status", http.StatusOK)))

	Eventually(ctx, func(g Gomega, ctx context.Context) {
		var all v1alpha1.SessionList
		g.Expect(cl.api.List(ctx, &all, client.InNamespace(w.namespace))).To(Succeed())
		g.Expect(all.Items).To(And(HaveLen(batch), HaveEach(HaveField("Status.Phase", v1alpha1.PhaseCompleted))))
		g.Expect(all.Items).To(HaveEach(HaveField("Status.Epoch", BeEquivalentTo(1))))
	}).WithTimeout(10 * time.Minute).WithPolling(time.Second).Should(Succeed())
	Eventually(ctx, w.pods).Should(BeEmpty(), "something runs when nothing waits")
	pods.mu.Lock()
	defer pods.mu.Unlock()
	Expect(pods.lost).To(BeFalse())
	Expect(pods.most[""]).To(Equal(most))
	say("one request stored %d tasks in %s; they ran %d at a time, in %s", batch, ms(stored), most, time.Since(began).Round(time.Second))
}, SpecTimeout(12*time.Minute))

var _ = It("looks a session up, awake and asleep, and wakes nothing by it", func(ctx SpecContext) {
	asks(ctx)
	w := Given(ctx, "look", Idle(time.Second))
	_, err := w.API().Get(ctx, w.a())
	var p *sessionapi.Problem
	Expect(errors.As(err, &p)).To(BeTrue())
	Expect(p).To(And(HaveField("Status", http.StatusNotFound), HaveField("Reason", "NotFound")))
	Expect(w.sessions(ctx)).To(BeEmpty(), "a look makes nothing")

	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	asleep := w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	for range 20 {
		s, err := w.API().Get(ctx, w.a())
		Expect(err).NotTo(HaveOccurred())
		Expect(s).To(And(HaveField("Phase", "Asleep"), HaveField("Epoch", BeEquivalentTo(1)), HaveField("LastExit.Epoch", BeEquivalentTo(1))))
	}
	Expect(w.Session(ctx, "a").ResourceVersion).To(Equal(asleep.ResourceVersion), "somebody has written")
	Eventually(ctx, w.pods).Should(BeEmpty()) // the last one is let go once its end is recorded

	s, err := w.API().Wake(ctx, w.a(), true)
	Expect(err).NotTo(HaveOccurred())
	Expect(s.Phase).To(Equal("Awake"))
	_, err = w.API().Delete(ctx, w.a(), "")
	Expect(errors.As(err, &p)).To(BeTrue())
	Expect(p).To(And(HaveField("Status", http.StatusForbidden), HaveField("Reason", "Forbidden")), "nobody knows who asks")
}, SpecTimeout(5*time.Minute))

var _ = It("keeps a session awake while its pod renews its lease through the API, and no longer (000-26, 000-63)", func(ctx SpecContext) {
	const works, lease = 12 * time.Second, 3 * time.Second
	asks(ctx)
	w := Given(ctx, "works", Idle(time.Second), SelfCalls())
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	began := time.Now()
	Expect(w.ask(ctx, http.MethodPost, "a", fmt.Sprintf("call/work?for=%s&lease=%s", works, lease))).To(Served("a", 1))
	Consistently(ctx, func(ctx SpecContext) v1alpha1.SessionPhase { return w.Session(ctx, "a").Status.Phase }).
		WithTimeout(works-lease/3-time.Since(began)).WithPolling(50*time.Millisecond).
		Should(Equal(v1alpha1.PhaseAwake), "nobody asks, and its pod says that it is busy")
	e, err := w.API().Explain(ctx, w.a())
	Expect(err).NotTo(HaveOccurred())
	Expect(e.Words).To(ContainElement(ContainSubstring("busy")))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	say("a session that idles after 1 s, whose pod worked for %s with leases of %s, was asleep after %s", works, lease, time.Since(began).Round(time.Millisecond))
}, SpecTimeout(5*time.Minute))

var _ = It("lets a pod set its alarm and go to sleep, and wakes it then (000-27, 000-57)", func(ctx SpecContext) {
	asks(ctx)
	w := Given(ctx, "alarmed", Idle(time.Hour), SelfCalls())
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	Expect(w.ask(ctx, http.MethodPost, "a", "call/alarm?in=20s")).To(Served("a", 1))
	Expect(w.Session(ctx, "a").Spec.Alarms).To(HaveLen(1))
	Expect(w.ask(ctx, http.MethodPost, "a", "call/sleep")).To(Served("a", 1))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, 18*time.Second)
	s := w.Becomes(ctx, "a", v1alpha1.PhaseAwake, time.Minute)
	Expect(s.Status.Epoch).To(BeEquivalentTo(2))
	Expect(s.Status.Activity.Source).To(Equal(v1alpha1.SourceAlarm))
}, SpecTimeout(5*time.Minute))
