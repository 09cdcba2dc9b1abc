package e2e

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("serves awake keys while the operator is down, lets nothing sleep, and goes on when it is back (002-11, 002-20, 003-09, 004-15)", Serial, Label("long"), func(ctx SpecContext) {
	outage := lasts("E2E_OUTAGE", time.Minute)
	w := Given(ctx, "outage", Idle(outage/2), Saved(), WakeTimeout(outage+5*time.Minute)) // longer than it takes to stop the operator
	t := traffic{world: w, keys: 6, clients: 3, think: time.Second, lasts: outage}
	for i := range t.keys {
		Expect(w.Get(ctx, t.key(i))).To(Served(t.key(i), 1))
	}
	Expect(w.Get(ctx, "unused")).To(Served("unused", 1)) // nobody asks for it again: with an operator it would sleep

	DeferCleanup(func(ctx SpecContext) { cl.scaleOperator(ctx, 2) }, NodeTimeout(2*time.Minute))
	cl.scaleOperator(ctx, 0)
	stays := w.watchPhases(ctx)
	newcomer := w.askInBackground(ctx, "newcomer")
	sum := t.run(ctx)

	Expect(stays()).To(BeEmpty(), "a session has left Awake")
	Expect(t.audit(ctx, sum)).To(BeZero(), "nothing has slept")
	Expect(newcomer).NotTo(Receive(), "a new key waits")
	cl.scaleOperator(ctx, 2)

	var late answer
	Eventually(ctx, newcomer).Should(Receive(&late))
	Expect(late).To(Served("newcomer", 1))
	w.Becomes(ctx, "unused", v1alpha1.PhaseAsleep, time.Minute)
	Expect(w.Get(ctx, "unused")).To(Served("unused", 2))
	say("operator down for %s: a request for a new key waited %s for it", outage, late.Took.Round(time.Millisecond))
}, SpecTimeout(15*time.Minute))

// watchPhases watches the sessions that there are now until the returned function is called, which tells of all that were
// not Awake.
func (w *world) watchPhases(ctx context.Context) func() []string {
	GinkgoHelper()
	var list v1alpha1.SessionList
	Expect(cl.api.List(ctx, &list, client.InNamespace(w.namespace))).To(Succeed())
	known, left := map[string]bool{}, []string{}
	note := func(s *v1alpha1.Session, event watch.EventType) {
		if s.Status.Phase != v1alpha1.PhaseAwake || event == watch.Deleted {
			left = append(left, fmt.Sprintf("%s: %s %s", s.Name, event, s.Status.Phase))
		}
	}
	for i := range list.Items {
		known[list.Items[i].Name] = true
		note(&list.Items[i], watch.Added)
	}
	events, err := cl.api.Watch(ctx, &v1alpha1.SessionList{}, client.InNamespace(w.namespace))
	Expect(err).NotTo(HaveOccurred())
	var done sync.WaitGroup
	done.Go(func() {
		for e := range events.ResultChan() {
			if s, ok := e.Object.(*v1alpha1.Session); ok && known[s.Name] {
				note(s, e.Type)
			}
		}
	})
	return func() []string {
		events.Stop()
		done.Wait()
		return left
	}
}

// askInBackground asks for a key and sends what comes.
func (w *world) askInBackground(ctx context.Context, key string) <-chan answer {
	came := make(chan answer, 1)
	go func() {
		a, err := w.gateways[0].do(ctx, http.MethodGet, w.path(key))
		if err != nil {
			a.Body = err.Error()
		}
		came <- a
	}()
	return came
}
