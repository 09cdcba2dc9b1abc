package session

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = Describe("A pod of a later epoch than the cache has heard of", func() {
	It("is not taken for a leftover while it serves", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		before := Now(ctx, s)
		Does(ctx, s, 137)
		Turn(ctx, s)
		Runs(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))

		r.Client = late{Client: api, session: before}
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Pod(ctx, s).DeletionTimestamp).To(BeNil(), "the pod that serves was stopped")
	})

	It("is not taken for a leftover when it has ended, and its end is recorded", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		before := Now(ctx, s)
		Does(ctx, s, 137)
		Turn(ctx, s)
		Runs(ctx, s)
		Turn(ctx, s)
		Ends(ctx, s, 0, "done")

		r.Client = late{Client: api, session: before}
		now := Reconciled(ctx, s)
		Expect(now.Status.LastExit.Epoch).To(BeEquivalentTo(2))
		Expect(now.Status.LastExit.Message).To(Equal("done"))
	})

	It("is not taken for a leftover of an older Session when it is that of a newer one", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		before := Now(ctx, s)
		gone := Now(ctx, s)
		gone.Finalizers = nil
		Expect(api.Update(ctx, gone)).To(Succeed())
		Expect(api.Delete(ctx, gone)).To(Succeed())
		again := GivenSession(ctx, "a")
		Touch(ctx, again)
		Turn(ctx, again)
		Does(ctx, again, 0) // the leftover
		Turn(ctx, again)
		Turn(ctx, again)
		Runs(ctx, again)
		Expect(Reconciled(ctx, again)).To(HavePhase(v1alpha1.PhaseAwake))

		r.Client = late{Client: api, session: before}
		Expect(Reconciled(ctx, again)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Pod(ctx, again).DeletionTimestamp).To(BeNil(), "the pod that serves was stopped")
	})
})
