package session

import (
	"context"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gtypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

func AtMostStarting(n int32) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.Starting = &n }
}

func AtMostPerTenant(n int32) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.PerTenant.Awake = &n }
}

func WhenFull(p v1alpha1.FullPolicy) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.WhenFull = p }
}

// Changed changes the template while its sessions run.
func Changed(ctx context.Context, option templateOption) {
	GinkgoHelper()
	t := &v1alpha1.SessionTemplate{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
	option(t)
	Expect(api.Update(ctx, t)).To(Succeed())
}

// GivenWanted is a touched session of a tenant.
func GivenWanted(ctx context.Context, key, tenant string) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess." + key}}
	s.Spec = v1alpha1.SessionSpec{Template: "chess", Key: key, Tenant: tenant}
	Expect(api.Create(ctx, s)).To(Succeed())
	Touch(ctx, s)
	return s
}

// Starts has the operator make the session's pod.
func Starts(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	Turn(ctx, s) // our finalizer
	Turn(ctx, s)
	Expect(Pod(ctx, s)).NotTo(BeNil(), "%s does not start", s.Name)
}

// GivenServed is a session of a tenant that is awake.
func GivenServed(ctx context.Context, key, tenant string) *v1alpha1.Session {
	GinkgoHelper()
	s := GivenWanted(ctx, key, tenant)
	Starts(ctx, s)
	Runs(ctx, s)
	Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
	Turn(ctx, s) // it sees its own publication, from which idle time runs
	return s
}

// Sleeps is a session that falls asleep, with all that a kubelet does for it.
func Sleeps(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	Turn(ctx, s)
	Seeing(ctx, s, v1alpha1.PhaseStopping)
	Ends(ctx, s, 0, "")
	Turn(ctx, s)
	clk.SetTime(clk.Now().Add(2 * time.Second)) // the kubelet's time to finish the delete
	Turn(ctx, s)
	Turn(ctx, s)
	Expect(Pod(ctx, s)).To(BeNil())
}

// takeTurns gives each session its turn that was called, and one for what it writes itself, until nobody is.
func takeTurns(ctx context.Context, sessions map[string]*v1alpha1.Session, called *[]string) {
	GinkgoHelper()
	for len(*called) > 0 {
		s := sessions[(*called)[0]]
		*called = (*called)[1:]
		Turn(ctx, s)
		Turn(ctx, s)
	}
}

// podsByTenant counts the pods that there are.
func podsByTenant(ctx context.Context) map[string]int {
	GinkgoHelper()
	var pods corev1.PodList
	Expect(api.List(ctx, &pods, client.InNamespace(namespace))).To(Succeed())
	count := map[string]int{}
	for i := range pods.Items {
		count[pods.Items[i].Labels[v1alpha1.LabelTenant]]++
	}
	return count
}

// BeQueued matches a session that waits for a limit.
func BeQueued(limit string) gtypes.GomegaMatcher {
	return And(HavePhase(v1alpha1.PhaseQueued), HaveReason(v1alpha1.ReasonQueued), HaveField("Status.Limit", limit))
}

var _ = Describe("A limit", func() {
	var called []string
	BeforeEach(func() {
		called = nil
		r.Slots.Freed = func(id slots.ID) { called = append(called, id.Name) }
	})
	after := func(d time.Duration) { clk.SetTime(clk.Now().Add(d)) }

	It("of a tenant leaves the others alone, and tenants take turns (000-41, 000-42, 000-43, 000-50)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(3), AtMostPerTenant(2))
		a := GivenServed(ctx, "a1", "alice")
		GivenServed(ctx, "a2", "alice")
		GivenServed(ctx, "b1", "bob")
		Expect(Pod(ctx, a).Labels).To(HaveKeyWithValue(v1alpha1.LabelTenant, "alice"))
		a3, b2, c1 := GivenWanted(ctx, "a3", "alice"), GivenWanted(ctx, "b2", "bob"), GivenWanted(ctx, "c1", "")
		Expect(Reconciled(ctx, a3)).To(BeQueued("limits.perTenant.awake"))
		Expect(Reconciled(ctx, b2)).To(BeQueued("limits.awake"))
		Expect(Reconciled(ctx, c1)).To(BeQueued("limits.awake"))

		Changed(ctx, AtMostAwake(4))
		Expect(Reconciled(ctx, a3)).To(BeQueued("limits.perTenant.awake"), "a place that is no place of alice's")
		Expect(called).To(ConsistOf("chess.b2"))
		Starts(ctx, b2)
		Expect(Reconciled(ctx, c1)).To(BeQueued("limits.awake"))
		called = nil
		after(time.Minute)
		Sleeps(ctx, a)
		Expect(called).To(ConsistOf("chess.a3"), "it came before the others, and its tenant has room")
		Starts(ctx, a3)
		Expect(Now(ctx, a3).Status.Limit).To(Equal("limits.perTenant.awake"), "what is told lasts until there is news")
		Runs(ctx, a3)
		Expect(Reconciled(ctx, a3)).To(And(HavePhase(v1alpha1.PhaseAwake), HaveField("Status.Limit", "")))
	})

	It("that is raised lets those go on who wait (000-50, 000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1))
		GivenServed(ctx, "a", "")
		b, c, d := GivenWanted(ctx, "b", ""), GivenWanted(ctx, "c", ""), GivenWanted(ctx, "d", "")
		for _, s := range []*v1alpha1.Session{b, c, d} {
			Expect(Reconciled(ctx, s)).To(BeQueued("limits.awake"))
		}
		Changed(ctx, AtMostAwake(3))
		Turn(ctx, d) // any of them hears of it
		Expect(called).To(ConsistOf("chess.b", "chess.c"))
		Starts(ctx, c)
		Starts(ctx, b)
		Expect(Reconciled(ctx, d)).To(BeQueued("limits.awake"))
		Expect(Pod(ctx, d)).To(BeNil())
	})

	It("of starts is held from the pod's creation to its publication, or its failure (000-65, 003-09)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostStarting(1), WhenFull(v1alpha1.FullReject))
		a, b, c := GivenWanted(ctx, "a", ""), GivenWanted(ctx, "b", ""), GivenWanted(ctx, "c", "")
		Starts(ctx, a)
		Expect(Reconciled(ctx, b)).To(BeQueued("limits.starting"), "who waits for a start is not refused")
		Expect(Reconciled(ctx, c)).To(BeQueued("limits.starting"))
		Runs(ctx, a)
		Turn(ctx, a)
		Expect(called).To(ConsistOf("chess.b"))
		Starts(ctx, b)
		Expect(Reconciled(ctx, c)).To(BeQueued("limits.starting"))
		bind(ctx, Pod(ctx, b))
		Waits(ctx, b, "ErrImageNeverPull", "image localhost/table is not present")
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseFailed))
		Expect(called).To(ConsistOf("chess.b", "chess.c"))
		Starts(ctx, c)
	})

	It("refuses at once where it says so, counts no failure, and the next touch tries again (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1), WhenFull(v1alpha1.FullReject))
		a, b := GivenServed(ctx, "a", ""), GivenWanted(ctx, "b", "")
		refused := And(HaveReason(v1alpha1.ReasonLimitReached), HaveField("Status.Limit", "limits.awake"), HaveField("Status.Failures", BeNil()), HaveField("Status.LastExit", BeNil()))
		Expect(Reconciled(ctx, b)).To(And(HavePhase(v1alpha1.PhaseQueued), refused))
		Expect(Turn(ctx, b)).To(Equal(time.Second), "so long it stands, for gateways to see")
		after(time.Second)
		Expect(Reconciled(ctx, b)).To(And(HavePhase(v1alpha1.PhaseAsleep), refused))
		Expect(Turn(ctx, b)).To(BeZero())

		Touch(ctx, b)
		Expect(Reconciled(ctx, b)).To(And(HavePhase(v1alpha1.PhaseQueued), refused))
		after(time.Minute)
		Sleeps(ctx, a)
		Expect(called).To(BeEmpty(), "who was refused does not wait")
		Touch(ctx, b)
		Starts(ctx, b)
	})

	It("is held at every instant of a batch, and whoever waits is called in his turn (000-41, 000-43, 000-44, 000-46, 000-60)", func(ctx SpecContext) {
		const each, most = 5, 2
		GivenTemplate(ctx, AtMostPerTenant(most), AtMostStarting(3), func(t *v1alpha1.SessionTemplate) {
			t.Spec.Wake.Timeout = &metav1.Duration{Duration: time.Hour}
		})
		batch := map[string]*v1alpha1.Session{}
		for i := range each {
			for _, tenant := range []string{"alice", "bob"} {
				s := GivenWanted(ctx, fmt.Sprintf("%s-%d", tenant, i), tenant)
				batch[s.Name] = s
			}
		}
		for name := range batch {
			called = append(called, name)
		}
		served := 0
		for len(called) > 0 {
			takeTurns(ctx, batch, &called)
			awake := podsByTenant(ctx)
			Expect(awake["alice"]).To(BeNumerically("<=", most))
			Expect(awake["bob"]).To(BeNumerically("<=", most))
			for _, s := range batch {
				if Pod(ctx, s) == nil {
					continue
				}
				Runs(ctx, s)
				Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
				Turn(ctx, s)
				served++
				after(time.Minute)
				Sleeps(ctx, s)
			}
		}
		Expect(served).To(Equal(len(batch)), "somebody was forgotten")
	})

	It("is kept by a new leader (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostPerTenant(1), AtMostStarting(1))
		a := GivenWanted(ctx, "a1", "alice")
		Starts(ctx, a)
		r = NewOperator()
		b := GivenWanted(ctx, "b1", "bob")
		Expect(Reconciled(ctx, b)).To(BeQueued("limits.starting"))
		Runs(ctx, a)
		Turn(ctx, a)
		r = NewOperator()
		a2 := GivenWanted(ctx, "a2", "alice")
		Expect(Reconciled(ctx, a2)).To(BeQueued("limits.perTenant.awake"))
		Expect(Reconciled(ctx, b)).To(BeQueued("limits.starting"), "a pod counts as starting until more is known of it")
		Turn(ctx, a)
		Starts(ctx, b)
	})
})

var _ = Describe("A session that has been idle longest", func() {
	var called []string
	BeforeEach(func() {
		called = nil
		r.Slots.Freed = func(id slots.ID) { called = append(called, id.Name) }
	})
	after := func(d time.Duration) { clk.SetTime(clk.Now().Add(d)) }

	It("makes room for one that waits, when it surely is idle, and is saved (000-24, 000-56)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(2), WhenFull(v1alpha1.FullEvictIdle), Saved())
		a, b := GivenServed(ctx, "a", ""), GivenServed(ctx, "b", "")
		after(10 * time.Second)
		Touch(ctx, a)
		Turn(ctx, a)
		after(10 * time.Second)
		c := GivenWanted(ctx, "c", "")
		Expect(Reconciled(ctx, c)).To(BeQueued("limits.awake"))
		Expect(called).To(ConsistOf("chess.b"))
		Expect(Turn(ctx, b)).To(Equal(10*time.Second), "gateways may need it and not have said so yet")
		after(10*time.Second - 1)
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseAwake))
		after(1)
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseDraining))
		Eventually(recorder.Events).Should(Receive(ContainSubstring(v1alpha1.EventMakesRoom)))
		Expect(Reconciled(ctx, a)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Reconciled(ctx, c)).To(BeQueued("limits.awake"))

		Sleeps(ctx, b)
		Expect(saves.asked).To(Equal(1))
		Expect(called).To(ConsistOf("chess.b", "chess.c"))
		Starts(ctx, c)
		Expect(Now(ctx, a)).To(HavePhase(v1alpha1.PhaseAwake))
	})

	It("is left alone when it is needed after all, and the next is asked (000-12, 000-56)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(2), WhenFull(v1alpha1.FullEvictIdle))
		a := GivenServed(ctx, "a", "")
		after(time.Second)
		b := GivenServed(ctx, "b", "")
		after(40 * time.Second)
		Turn(ctx, GivenWanted(ctx, "c", ""))
		Expect(called).To(ConsistOf("chess.a"))
		Expect(Reconciled(ctx, a)).To(HavePhase(v1alpha1.PhaseDraining))
		Touch(ctx, a)
		Expect(Reconciled(ctx, a)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(called).To(ConsistOf("chess.a", "chess.b"))
		Expect(Reconciled(ctx, b)).To(HavePhase(v1alpha1.PhaseDraining))
		Turn(ctx, a)
		after(29 * time.Second)
		Expect(Reconciled(ctx, a)).To(HavePhase(v1alpha1.PhaseAwake), "one waits, and one makes room")
	})

	It("is not disturbed for one that is not wanted any more", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1), WhenFull(v1alpha1.FullEvictIdle))
		a := GivenServed(ctx, "a", "")
		b := GivenWanted(ctx, "b", "")
		Turn(ctx, b)
		Expect(api.Delete(ctx, b)).To(Succeed())
		Turn(ctx, b)
		Turn(ctx, b)
		after(50 * time.Second)
		Expect(Turn(ctx, a)).To(Equal(10*time.Second), "its idle time")
	})
})
