package e2e

import (
	"context"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Destroyed has sessions of other templates run before a deleted one goes.
func Destroyed(last ...v1alpha1.StartSpec) option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.OnDelete = &v1alpha1.OnDeleteSpec{Start: last} }
}

// Once lets a task that fails stay so, for good.
func Once() option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Restart.Policy = v1alpha1.RestartTemporary }
}

// Mend takes the failure out of a template's workload.
func (w *world) Mend(ctx context.Context, name string) {
	GinkgoHelper()
	t := &v1alpha1.SessionTemplate{}
	Expect(cl.api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: name}, t)).To(Succeed())
	before := t.DeepCopy()
	for i, e := range t.Spec.Template.Spec.Containers[0].Env {
		if e.Name == "FAIL" {
			t.Spec.Template.Spec.Containers[0].Env[i].Value = "0"
		}
	}
	Expect(cl.api.Patch(ctx, t, client.MergeFrom(before))).To(Succeed())
}

var _ = It("destroys what a session had before it goes: two tasks side by side, then one that needs both, which is mended; and nothing is left (002-04, 002-13, 002-18, 002-19)", func(ctx SpecContext) {
	w := Given(ctx, "destroy", Saved(), Destroyed(
		v1alpha1.StartSpec{Template: "machine"}, v1alpha1.StartSpec{Template: "record"}, v1alpha1.StartSpec{Template: "forget", After: "all"}))
	w.More(ctx, "machine", Work("0"))
	w.More(ctx, "record", Work("0"))
	w.More(ctx, "forget", Work("3"), Once())
	Expect(w.Get(ctx, "web-1")).To(Served("web-1", 1))

	began := time.Now()
	Expect(cl.api.Delete(ctx, w.Of(ctx, template, "web-1"))).To(Succeed())
	Eventually(ctx, func() string { return w.Session(ctx, "web-1").ReadyReason() }).Should(Equal(v1alpha1.ReasonStartedFailed))
	held := w.Session(ctx, "web-1")
	Expect(held.Status.Phase).To(Equal(v1alpha1.PhaseStopping))
	Expect(held.Status.OnDelete).To(HaveExactElements(
		HaveField("State", v1alpha1.StartedCompleted), HaveField("State", v1alpha1.StartedCompleted), HaveField("State", v1alpha1.StartedFailed)))
	w.Show(ctx, "while a last session has failed")
	last := w.Of(ctx, "forget", "web-1")
	for _, before := range []string{"machine", "record"} {
		s := w.Of(ctx, before, "web-1")
		Expect(last.CreationTimestamp.Time).To(BeTemporally(">=", s.Status.LastExit.EndTime.Time), "forget did not wait for %s", before)
		Expect(*s.Spec.Input).To(ContainSubstring(`"startedBy":"room.web-1"`))
	}
	Expect(w.Get(ctx, "web-1")).To(Refused(http.StatusGone, "Gone"))
	Expect(w.pods(ctx)).NotTo(ContainElement("room.web-1"), "a request woke what is destroyed")

	w.Mend(ctx, "forget")
	Expect(cl.api.Delete(ctx, last)).To(Succeed())
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		g.Expect(w.sessions(ctx)).To(BeEmpty())
		g.Expect(w.pods(ctx)).To(BeEmpty())
	}).Should(Succeed(), "something is left")
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		var told corev1.EventList
		g.Expect(cl.api.List(ctx, &told, client.InNamespace(w.namespace))).To(Succeed())
		g.Expect(told.Items).To(ContainElement(HaveField("Reason", v1alpha1.EventDestroyed)))
	}).Should(Succeed())
	Expect(w.Get(ctx, "web-1")).To(Served("web-1", 1), "the key does not begin anew")
	say("a session was drained, destroyed by three tasks of which one was mended, and is gone: %s", time.Since(began).Round(100*time.Millisecond))
}, SpecTimeout(5*time.Minute))

var _ = It("lets a namespace go with the sessions in it, whatever their last sessions are to do (002-19)", func(ctx SpecContext) {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-doomed-"}}
	Expect(cl.api.Create(ctx, ns)).To(Succeed())
	DeferCleanup(func(ctx context.Context) {
		Expect(client.IgnoreNotFound(cl.api.Delete(ctx, ns))).To(Succeed())
	}, NodeTimeout(time.Minute))
	w := &world{namespace: ns.Name}
	w.More(ctx, template, Work("0"), Destroyed(v1alpha1.StartSpec{Template: "machine"}))
	w.More(ctx, "machine", Work("3"), Once())
	for _, key := range []string{"held", "fresh"} {
		w.MakeSession(ctx, key, "")
		w.Becomes(ctx, key, v1alpha1.PhaseCompleted, time.Minute)
	}
	Expect(cl.api.Delete(ctx, w.Session(ctx, "held"))).To(Succeed())
	Eventually(ctx, func() string { return w.Session(ctx, "held").ReadyReason() }).Should(Equal(v1alpha1.ReasonStartedFailed))

	Expect(cl.api.Delete(ctx, ns)).To(Succeed())
	Eventually(ctx, func(ctx context.Context) bool {
		return apierrors.IsNotFound(cl.api.Get(ctx, client.ObjectKeyFromObject(ns), ns))
	}).Should(BeTrue(), "the namespace does not go")
}, SpecTimeout(5*time.Minute))
