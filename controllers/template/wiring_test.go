package template_test

import (
	"context"
	"sync/atomic"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/utils/clock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/controllers/template"
)

var _ = Describe("The reconciler", func() {
	It("has nothing to do for a template that is gone", func(ctx SpecContext) {
		t := given(ctx, newTemplate())
		Expect(api.Delete(ctx, t)).To(Succeed())
		result, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(t)})
		Expect(err).NotTo(HaveOccurred())
		Expect(result).To(BeZero())
	})

	It("forgets a template that is made again", func(ctx SpecContext) {
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(api.Delete(ctx, t)).To(Succeed())
		givenSession(ctx, "a", v1alpha1.PhaseAwake)
		t, _ = reconciled(ctx, given(ctx, newTemplate()))
		Expect(t.Status.Sessions.Awake).To(BeEquivalentTo(1))
	})

	It("writes nothing on what it knows an old version of, and does all of it with the new one", func(ctx SpecContext) {
		t := given(ctx, newTemplate())
		reconciler.Client = interceptor.NewClient(api, interceptor.Funcs{
			Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
				label := client.RawPatch("application/merge-patch+json", []byte(`{"metadata":{"labels":{"a":"b"}}}`))
				Expect(c.Patch(ctx, t.DeepCopy(), label)).To(Succeed())
				return c.Create(ctx, o, opts...)
			},
		})
		late, again := reconciled(ctx, t)
		Expect(summary(late)).To(Equal("not judged"))
		Expect(again).To(BeZero())

		reconciler.Client = api
		late, _ = reconciled(ctx, t)
		Expect(late).To(beAccepted())
	})

	It("is called when a template or the counts of its sessions change, and tells of a rejection in an event", func(ctx SpecContext) {
		mgr, err := ctrl.NewManager(server.Config, ctrl.Options{
			Scheme:  api.Scheme(),
			Metrics: metricsserver.Options{BindAddress: "0"},
		})
		Expect(err).NotTo(HaveOccurred())
		r := &template.Reconciler{Client: mgr.GetClient(), Clock: clock.RealClock{}, Events: mgr.GetEventRecorder("dormouse-operator")}
		byTemplate := func(o client.Object) []string { return []string{o.(*v1alpha1.Session).Spec.Template} }
		Expect(mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Session{}, v1alpha1.FieldTemplate, byTemplate)).To(Succeed())
		Expect(r.SetupWithManager(mgr)).To(Succeed())
		run(mgr)

		givenSession(ctx, "a", v1alpha1.PhaseAwake)
		t := given(ctx, newTemplate(account("table")))
		Eventually(ctx, func() *v1alpha1.SessionTemplate { return read(ctx, t) }).Should(beRejected(v1alpha1.ReasonInvalidPod))
		Eventually(ctx, func() []eventsv1.Event {
			var list eventsv1.EventList
			Expect(api.List(ctx, &list, client.InNamespace(namespace))).To(Succeed())
			return list.Items
		}).Should(ContainElement(HaveField("Note", ContainSubstring(`serviceaccount "table" not found`))))

		t = read(ctx, t)
		t.Spec.Template.Spec.ServiceAccountName = ""
		Expect(api.Update(ctx, t)).To(Succeed())
		Eventually(ctx, func() *v1alpha1.SessionTemplate { return read(ctx, t) }).Should(beAccepted())
		Expect(read(ctx, t).Status.Sessions.Awake).To(BeEquivalentTo(1))
	})
})

// run runs the manager until the story ends.
func run(mgr ctrl.Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended atomic.Pointer[error]
	go func() {
		err := mgr.Start(ctx)
		ended.Store(&err)
	}()
	DeferCleanup(func() {
		cancel()
		Eventually(ended.Load).ShouldNot(BeNil())
		Expect(*ended.Load()).NotTo(HaveOccurred())
	})
}
