package session

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gtypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/census"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

func AtMostStartingPerTenant(n int32) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.PerTenant.Starting = &n }
}

func AtMostSessionsPerTenant(n int32) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.PerTenant.Sessions = &n }
}

// Heard is what the watch of templates does when the template has changed.
func Heard(ctx context.Context, option templateOption) {
	GinkgoHelper()
	Changed(ctx, option)
	t := &v1alpha1.SessionTemplate{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
	r.ofTemplate(ctx, t)
}

// BeRefused matches a session that never ran and is beyond a limit.
func BeRefused(limit string) gtypes.GomegaMatcher {
	return And(HaveReason(v1alpha1.ReasonBeyondLimit), HaveField("Status.Limit", limit), HaveField("Status.Epoch", BeZero()))
}

var _ = Describe("limits.perTenant.starting", func() {
	It("is waited for whatever whenFull says, holds no other tenant back, and changes while sessions start (000-43, 000-50, 000-60, 001-12)", func(ctx SpecContext) {
		const limit = "limits.perTenant.starting"
		var called []string
		r.Slots.Freed = func(id slots.ID) { called = append(called, id.Name) }
		GivenTemplate(ctx, AtMostStarting(5), AtMostStartingPerTenant(1), WhenFull(v1alpha1.FullReject))
		a1, a2, a3 := GivenWanted(ctx, "a1", "alice"), GivenWanted(ctx, "a2", "alice"), GivenWanted(ctx, "a3", "alice")
		Starts(ctx, a1)
		Expect(Reconciled(ctx, a2)).To(And(BeQueued(limit), HaveField("Status.WaitingFor", "a place under "+limit)), "who waits for a start is not refused")
		Expect(Reconciled(ctx, a3)).To(BeQueued(limit))
		Starts(ctx, GivenWanted(ctx, "b1", "bob"))
		Starts(ctx, GivenWanted(ctx, "n1", ""))
		Expect(Reconciled(ctx, GivenWanted(ctx, "n2", ""))).To(BeQueued(limit), "those without a tenant share one")
		Expect(called).To(BeEmpty())

		Changed(ctx, AtMostStartingPerTenant(2))
		Turn(ctx, a3) // any of them hears of it
		Expect(called).To(ConsistOf("chess.a2", "chess.n2"))
		Starts(ctx, a2)
		Expect(Reconciled(ctx, a3)).To(BeQueued(limit))

		Changed(ctx, AtMostStartingPerTenant(1))
		called = nil
		Runs(ctx, a1)
		Expect(Reconciled(ctx, a1)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(called).To(BeEmpty(), "another one of the tenant starts still")
		Expect(Reconciled(ctx, a3)).To(BeQueued(limit))
		Runs(ctx, a2)
		Expect(Reconciled(ctx, a2)).To(HavePhase(v1alpha1.PhaseAwake), "a limit that is lowered stops nobody")
		Expect(called).To(ConsistOf("chess.a3"))
		Starts(ctx, a3)
	})

	It("is kept by a new leader (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostStartingPerTenant(1))
		a := GivenWanted(ctx, "a1", "alice")
		Starts(ctx, a)
		r = NewOperator()
		a2 := GivenWanted(ctx, "a2", "alice")
		Expect(Reconciled(ctx, a2)).To(BeQueued("limits.perTenant.starting"))
		Starts(ctx, GivenWanted(ctx, "b1", "bob"))
		Runs(ctx, a)
		Turn(ctx, a)
		Starts(ctx, a2)
	})
})

var _ = Describe("limits.perTenant.sessions", func() {
	const ofTenant, ofAll = "limits.perTenant.sessions", "limits.sessions"
	var called []string
	BeforeEach(func() {
		called = nil
		r.Census.Moved = func(id census.ID) { called = append(called, id.Name) }
	})

	It("leaves the places under limits.sessions to other tenants, and changes while sessions run (000-43, 000-50, 000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(2), AtMostSessionsPerTenant(1))
		a1, a2 := GivenServed(ctx, "a1", "alice"), GivenWanted(ctx, "a2", "alice")
		Expect(Reconciled(ctx, a2)).To(BeRefused(ofTenant))
		b1, c1 := GivenWanted(ctx, "b1", "bob"), GivenWanted(ctx, "c1", "carol")
		Starts(ctx, b1) // though it is younger
		Expect(Reconciled(ctx, c1)).To(BeRefused(ofAll))
		Expect(called).To(BeEmpty())

		Heard(ctx, AtMostSessionsPerTenant(2))
		Expect(called).To(ConsistOf("chess.a2"), "it is another limit that it is beyond")
		Expect(Reconciled(ctx, a2)).To(BeRefused(ofAll))
		called = nil
		Heard(ctx, AtMostSessions(3))
		Expect(called).To(ConsistOf("chess.a2"), "it is older")
		Touch(ctx, a2)
		Starts(ctx, a2)

		Heard(ctx, AtMostSessionsPerTenant(0))
		Expect(Reconciled(ctx, a1)).To(HavePhase(v1alpha1.PhaseAwake), "who has begun is in")
		Runs(ctx, a2)
		Expect(Reconciled(ctx, a2)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Reconciled(ctx, c1)).To(BeRefused(ofTenant))
		r = NewOperator()
		Expect(Reconciled(ctx, a2)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Reconciled(ctx, c1)).To(BeRefused(ofTenant), "a new leader comes to the same answer")
	})

	It("alone is a limit too: a place goes to the next of its tenant, and without it all are let in; a Task starts then by itself (000-43, 000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessionsPerTenant(1), Tasks())
		a1, a2, a3 := GivenWanted(ctx, "a1", "alice"), GivenWanted(ctx, "a2", "alice"), GivenWanted(ctx, "a3", "alice")
		Starts(ctx, a1)
		Starts(ctx, GivenWanted(ctx, "b1", "bob"))
		called = nil
		for _, s := range []*v1alpha1.Session{a2, a3} {
			Expect(Reconciled(ctx, s)).To(And(BeRefused(ofTenant), HavePhase(v1alpha1.PhaseQueued)))
			Expect(Reconciled(ctx, s)).To(HaveField("Status.WaitingFor", "a place under "+ofTenant))
		}
		Expect(called).To(BeEmpty())
		r.forget(client.ObjectKeyFromObject(a1)) // it is gone
		Expect(called).To(ConsistOf("chess.a2"))
		Starts(ctx, a2)
		Heard(ctx, func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.PerTenant.Sessions = nil })
		Expect(called).To(ConsistOf("chess.a2", "chess.a3"))
		Starts(ctx, a3)
	})

	It("holds for what requests make, which has no tenant: it is told, never woken, and removed (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(9), AtMostSessionsPerTenant(1))
		Starts(ctx, GivenMade(ctx, "a"))
		late := GivenMade(ctx, "b")
		Expect(Reconciled(ctx, late)).To(And(BeRefused(ofTenant), HavePhase(v1alpha1.PhaseQueued), HaveField("Touched()", BeFalse())))
		Expect(Turn(ctx, late)).To(Equal(time.Second), "so that every gateway sees it")
		clk.SetTime(clk.Now().Add(time.Second))
		Turn(ctx, late)
		Expect(recorder.Events).To(Receive(ContainSubstring(ofTenant)))
		Turn(ctx, late)
		Expect(names(ctx, &v1alpha1.SessionList{})).To(ConsistOf("chess.a"))
		Expect(names(ctx, &corev1.PodList{})).To(ConsistOf("chess.a"))
	})
})
