package session

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = Describe("A change of the template", func() {
	change := func(ctx SpecContext, how func(*v1alpha1.SessionTemplateSpec)) {
		GinkgoHelper()
		t := &v1alpha1.SessionTemplate{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
		how(&t.Spec)
		Expect(api.Update(ctx, t)).To(Succeed())
	}

	It("takes effect with the next wake, and a session says which generation it runs", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Expect(Now(ctx, s).Status.TemplateGeneration).To(BeEquivalentTo(1))
		change(ctx, func(t *v1alpha1.SessionTemplateSpec) { t.Template.Spec.Containers[0].Image = "localhost/next" })
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Ends(ctx, s, 137, "")
		for range 3 {
			Turn(ctx, s)
		}
		Runs(ctx, s)
		Expect(Reconciled(ctx, s).Status.TemplateGeneration).To(BeEquivalentTo(2))
		Expect(Pod(ctx, s).Spec.Containers[0].Image).To(Equal("localhost/next"))
	})

	It("drains one session after the other where that is wished, and only for what a pod is made of", func(ctx SpecContext) {
		GivenTemplate(ctx, func(t *v1alpha1.SessionTemplate) { t.Spec.Rollout = v1alpha1.RolloutDrain })
		a, b := GivenAwake(ctx, "a"), GivenAwake(ctx, "b")
		change(ctx, func(t *v1alpha1.SessionTemplateSpec) { t.Wake.MaxHeld = 7 })
		Expect(Reconciled(ctx, a)).To(HavePhase(v1alpha1.PhaseAwake))

		change(ctx, func(t *v1alpha1.SessionTemplateSpec) { t.Template.Spec.Containers[0].Image = "localhost/next" })
		Expect(Reconciled(ctx, a)).To(HavePhase(v1alpha1.PhaseDraining))
		Expect(Now(ctx, a).Status.Drain.Forced).To(BeTrue(), "a request would take it back")
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseAwake), "two at once")
		Touch(ctx, a)
		Seeing(ctx, a, v1alpha1.PhaseStopping)
		Ends(ctx, a, 0, "")
		Turn(ctx, a)
		clk.SetTime(clk.Now().Add(3 * time.Second))
		for range 3 {
			Turn(ctx, a)
		}
		Expect(Pod(ctx, a).Spec.Containers[0].Image).To(Equal("localhost/next"))
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseAwake), "two at once")
		Runs(ctx, a)
		Expect(Reconciled(ctx, a)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseDraining))
	})
})
