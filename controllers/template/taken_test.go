package template_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/config"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/controllers/template"
)

// called makes a template with another name.
func called(name string, changes ...func(*spec)) *v1alpha1.SessionTemplate {
	t := newTemplate(changes...)
	t.Name = name
	return t
}

// at gives a template the host of a route. Each story has one of its own: routes hold for the whole cluster.
func at(host string) func(*spec) {
	return func(s *spec) { s.Routes = append(s.Routes, v1alpha1.Route{Host: host}) }
}

func routed(t *v1alpha1.SessionTemplate) string {
	c := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionRouted)
	if c == nil {
		return "yes"
	}
	return string(c.Status) + " " + c.Reason
}

var _ = Describe("A route that two templates have", func() {
	var host string
	BeforeEach(func() { host = "{key}." + namespace + ".test" })

	It("is the first one's; the other is told whose it is, and both are accepted (004-02)", func(ctx SpecContext) {
		first := given(ctx, called("a", at(host)))
		second := given(ctx, called("b", at("x.{key}."+namespace+".test"), at("{key}--chess."+namespace+".test")))
		first, _ = reconciled(ctx, first)
		second, _ = reconciled(ctx, second)
		Expect(first).To(beAccepted())
		Expect(second).To(beAccepted())
		Expect(routed(first)).To(Equal("yes"))
		Expect(first.Status.RoutesTaken).To(BeEmpty())
		Expect(routed(second)).To(Equal("False RouteTaken"))
		Expect(second.Status.RoutesTaken).To(Equal([]v1alpha1.TakenRoute{{Route: 1, Namespace: namespace, Template: "a"}}))
		Expect(recorder.Events).To(Receive(Equal("Warning RouteTaken spec.routes[1]: template " + namespace + "/a, which is older, gets all of its requests")))

		_, _ = reconciled(ctx, second)
		Expect(recorder.Events).To(BeEmpty(), "it is told once")
	})

	It("is the other one's when the first goes, or is broken", func(ctx SpecContext) {
		first := given(ctx, called("a", at(host)))
		second := given(ctx, called("b", at(host)))
		second, _ = reconciled(ctx, second)
		Expect(routed(second)).To(Equal("False RouteTaken"))

		first.Spec.Key.Pattern = "("
		Expect(api.Update(ctx, first)).To(Succeed())
		first, _ = reconciled(ctx, first)
		Expect(first).To(beRejected(v1alpha1.ReasonInvalidKeyPattern))
		second, _ = reconciled(ctx, second)
		Expect(routed(second)).To(Equal("yes"))
		Expect(second.Status.RoutesTaken).To(BeEmpty())

		first.Spec.Key.Pattern = "a"
		Expect(api.Update(ctx, first)).To(Succeed())
		_, _ = reconciled(ctx, first)
		second, _ = reconciled(ctx, second)
		Expect(routed(second)).To(Equal("False RouteTaken"))
		Expect(api.Delete(ctx, first)).To(Succeed())
		second, _ = reconciled(ctx, second)
		Expect(routed(second)).To(Equal("yes"))
	})

	It("is looked at again when the other template changes", func(ctx SpecContext) {
		mgr, err := ctrl.NewManager(server.Config, ctrl.Options{
			Scheme:     api.Scheme(),
			Metrics:    metricsserver.Options{BindAddress: "0"},
			Controller: config.Controller{SkipNameValidation: ptr.To(true)}, // another story has one of the same name
		})
		Expect(err).NotTo(HaveOccurred())
		r := &template.Reconciler{Client: mgr.GetClient(), Clock: clock.RealClock{}, Events: mgr.GetEventRecorder("dormouse-operator")}
		byTemplate := func(o client.Object) []string { return []string{o.(*v1alpha1.Session).Spec.Template} }
		Expect(mgr.GetFieldIndexer().IndexField(ctx, &v1alpha1.Session{}, v1alpha1.FieldTemplate, byTemplate)).To(Succeed())
		Expect(r.SetupWithManager(mgr)).To(Succeed())
		run(mgr)

		first := given(ctx, called("a", at("{key}.other."+namespace+".test")))
		second := given(ctx, called("b", at(host)))
		now := func() string { return routed(read(ctx, second)) }
		Eventually(ctx, func() *v1alpha1.SessionTemplate { return read(ctx, second) }).Should(beAccepted())
		Expect(now()).To(Equal("yes"))
		Eventually(ctx, func() error {
			first = read(ctx, first)
			first.Spec.Routes[0].Host = host
			return api.Update(ctx, first)
		}).Should(Succeed())
		Eventually(ctx, now).Should(Equal("False RouteTaken"))
		Expect(api.Delete(ctx, first)).To(Succeed())
		Eventually(ctx, now).Should(Equal("yes"))
	})
})
