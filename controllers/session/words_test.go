package session

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gtypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// WaitFor matches a session that says that it waits for this, and that it is not up.
func WaitFor(what string) gtypes.GomegaMatcher {
	return And(HaveField("Status.WaitingFor", what), HaveField("Status.NotIdleBecause", ""))
}

// BeUpBecause matches a session that says why it is not put to sleep, and that it waits for nothing.
func BeUpBecause(words string) gtypes.GomegaMatcher {
	return And(HaveField("Status.NotIdleBecause", words), HaveField("Status.WaitingFor", ""))
}

// Unscheduled is a scheduler that finds no node.
func Unscheduled(ctx context.Context, s *v1alpha1.Session, words string) {
	GinkgoHelper()
	status(ctx, s, func(p *corev1.PodStatus) {
		p.Conditions = []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: corev1.PodReasonUnschedulable, Message: words}}
	})
}

// later lets time go by, and takes a turn.
func later(ctx context.Context, s *v1alpha1.Session, d time.Duration) *v1alpha1.Session {
	GinkgoHelper()
	clk.SetTime(clk.Now().Add(d))
	return Reconciled(ctx, s)
}

// written counts the operator's writes from here on, by what they are.
func written() *[]string {
	writes := &[]string{}
	note := func(what string, o client.Object) { *writes = append(*writes, fmt.Sprintf("%s %T", what, o)) }
	r.Client = interceptor.NewClient(api, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			note("create", o)
			return c.Create(ctx, o, opts...)
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			note("patch", o)
			return c.Patch(ctx, o, p, opts...)
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			note("delete", o)
			return c.Delete(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			note("patch "+sub+" of", o)
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	})
	return writes
}

var _ = Describe("What a session says", func() {
	It("costs a cycle no write: seven of the operator's, and two events (000-55)", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved())
		s := GivenSession(ctx, "a")
		Turn(ctx, s)
		Touch(ctx, s)
		Turn(ctx, s) // our finalizer: of a key's first cycle only
		writes := written()
		Turn(ctx, s)
		Turn(ctx, s)
		Runs(ctx, s)
		Expect(Reconciled(ctx, s)).To(BeUpBecause(v1alpha1.NotIdleNeeded))
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(40 * time.Second))
		Touch(ctx, s)
		touched := Now(ctx, s)
		Expect(Reconciled(ctx, s).ResourceVersion).To(Equal(touched.ResourceVersion), "a touch costs the operator a write")
		Expect(later(ctx, s, time.Minute)).To(WaitFor("requests in flight to end, and the save of epoch 1"))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Expect(Now(ctx, s)).To(WaitFor("pod chess.a to end"))
		Ends(ctx, s, 0, "")
		Expect(api.Delete(ctx, Pod(ctx, s), client.GracePeriodSeconds(0))).To(Succeed()) // as its kubelet does
		Expect(Reconciled(ctx, s)).To(And(HavePhase(v1alpha1.PhaseAsleep), WaitFor("")))
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		status := "patch status of *v1alpha1.Session"
		Expect(*writes).To(Equal([]string{"create *v1.Pod", status, status, status, "delete *v1.Pod", status, "patch *v1.Pod"}))
		Expect(recorder.Events).To(HaveLen(2))
	})

	It("is why it is not put to sleep, and one write where that is another reason (000-10, 000-26)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Expect(Now(ctx, s)).To(BeUpBecause(v1alpha1.NotIdleNeeded))
		writes := written()
		Says(ctx, s, Busy(10*time.Minute))
		Expect(Reconciled(ctx, s)).To(BeUpBecause(v1alpha1.NotIdleBusy))
		for left := 10 * time.Minute; left > 2*time.Minute; left -= time.Minute {
			Says(ctx, s, Busy(left)) // the gateway carries on what is left
			later(ctx, s, time.Minute)
		}
		Expect(*writes).To(HaveLen(1), "plain touches of a busy session cost writes")
		Says(ctx, s)
		Expect(Reconciled(ctx, s)).To(BeUpBecause(v1alpha1.NotIdleNeeded))
		Says(ctx, s, IdleAfter(time.Hour))
		Expect(Reconciled(ctx, s)).To(BeUpBecause(v1alpha1.NotIdleTold))
		Expect(*writes).To(HaveLen(3))
	})

	It("is that it is a Task, or Permanent", func(ctx SpecContext) {
		GivenTemplate(ctx, Restarted(v1alpha1.RestartPermanent, 3))
		GivenTemplate(ctx, AsTask("build"))
		for words, s := range map[string]*v1alpha1.Session{
			v1alpha1.NotIdlePermanent: GivenOf(ctx, "chess", "a"), v1alpha1.NotIdleTask: GivenOf(ctx, "build", "a"),
		} {
			Starts(ctx, s)
			Runs(ctx, s)
			Expect(Reconciled(ctx, s)).To(BeUpBecause(words))
		}
	})

	It("is the trouble with its pod, in the words with which it began (001-18)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenWanted(ctx, "a", "")
		Starts(ctx, s)
		Turn(ctx, s)
		Expect(later(ctx, s, 2*time.Second)).To(And(HaveReason(v1alpha1.ReasonWaking), WaitFor("pod chess.a to get an address")))
		Unscheduled(ctx, s, "0/3 nodes are available: 3 Insufficient cpu.")
		now := Reconciled(ctx, s)
		Expect(now).To(WaitFor("pod chess.a to get an address: Unschedulable: 0/3 nodes are available: 3 Insufficient cpu."))
		Unscheduled(ctx, s, "0/4 nodes are available: 4 Insufficient cpu.")
		Expect(Reconciled(ctx, s).ResourceVersion).To(Equal(now.ResourceVersion), "a count that moves costs a write")
		Runs(ctx, s)
		Expect(Reconciled(ctx, s)).To(BeUpBecause(v1alpha1.NotIdleNeeded))
	})

	It("is cut to what fits (001-18)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenWanted(ctx, "a", "")
		Starts(ctx, s)
		Turn(ctx, s)
		Unscheduled(ctx, s, strings.Repeat("ü\n", 200))
		now := later(ctx, s, 2*time.Second)
		Expect(len(now.Status.WaitingFor)).To(BeNumerically("~", 255, 1))
		Expect(Reconciled(ctx, s).ResourceVersion).To(Equal(now.ResourceVersion))
	})

	It("is the limit that it waits for (000-43)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostPerTenant(1))
		GivenServed(ctx, "a", "alice")
		b := GivenWanted(ctx, "b", "alice")
		Expect(Reconciled(ctx, b)).To(And(BeQueued(slots.LimitPerTenant), WaitFor("a place under limits.perTenant.awake")))
		clk.SetTime(clk.Now().Add(2 * time.Minute))
		Expect(Reconciled(ctx, b)).To(And(HaveReason(v1alpha1.ReasonQueueTimeout), WaitFor("")))
	})

	It("is the gateway that has not seen its unpublish, and then the next one (004-16)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		one := GivenGateway(ctx, s)
		two := one.DeepCopy()
		two.Name, two.ResourceVersion = "gateway-2", ""
		for _, lease := range []client.Object{one, two} { // of no pod that could be gone
			lease.SetAnnotations(map[string]string{v1alpha1.AnnotationWatermark: s.ResourceVersion})
		}
		Expect(api.Update(ctx, one)).To(Succeed())
		Expect(api.Create(ctx, two)).To(Succeed())
		Expect(later(ctx, s, time.Minute)).To(WaitFor("requests in flight to end"))
		Turn(ctx, s)
		unpublish := Now(ctx, s).ResourceVersion
		clk.SetTime(clk.Now().Add(10 * time.Second))
		saying := func(what string) {
			GinkgoHelper()
			Eventually(ctx, func() *v1alpha1.Session { r.Sight.Poke(); return Reconciled(ctx, s) }).Should(And(HaveReason(v1alpha1.ReasonWaitingForGateways), WaitFor(what)))
		}
		saying("gateway gateway-1 to pass version " + unpublish)
		Sees(ctx, one, Now(ctx, s))
		saying("gateway gateway-2 to pass version " + unpublish)
		Sees(ctx, two, Now(ctx, s))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
	})

	It("is the save that failed, and the node that does not say that its pod has ended (002-08, 001-19)", func(ctx SpecContext) {
		saves.status = http.StatusInternalServerError
		GivenTemplate(ctx, Saved())
		s := GivenAwake(ctx, "a")
		later(ctx, s, time.Minute)
		Eventually(ctx, func() *v1alpha1.Session { return Reconciled(ctx, s) }).Should(WaitFor("the save of epoch 1, which failed: save answered 500:"))
		saves.status = http.StatusNoContent
		clk.SetTime(clk.Now().Add(time.Minute))
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Turn(ctx, s)
		Expect(later(ctx, s, time.Hour)).To(And(HaveReason(v1alpha1.ReasonPodNotEnded), WaitFor("node node-1 to say that pod chess.a has ended")))
		Ends(ctx, s, 0, "")
		Expect(Reconciled(ctx, s)).To(And(HavePhase(v1alpha1.PhaseAsleep), WaitFor("")))
	})

	It("is its back-off, and those that follow from it (002-03)", func(ctx SpecContext) {
		s := GivenWanted(ctx, "a", "")
		Expect(Reconciled(ctx, s)).To(And(HaveReason(v1alpha1.ReasonTemplateNotFound), WaitFor("the end of its back-off, see status.failures.retryAt, and of the pod that failed")))
		GivenTemplate(ctx, AsTask("build", v1alpha1.Outcome{
			ExitCodes: []int32{0}, Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{{Template: "chess"}},
		}))
		build := GivenOf(ctx, "build", "b")
		Expect(Does(ctx, build, 0)).To(And(HaveReason(v1alpha1.ReasonStarting), WaitFor("chess.b, which follows from it")))
	})

	It("is the template that says what follows, while that is gone", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("build"))
		s := GivenOf(ctx, "build", "a")
		Starts(ctx, s)
		Runs(ctx, s)
		Turn(ctx, s)
		t := &v1alpha1.SessionTemplate{}
		t.Namespace, t.Name = namespace, "build"
		Expect(api.Delete(ctx, t)).To(Succeed())
		Ends(ctx, s, 0, "")
		Expect(Reconciled(ctx, s)).To(WaitFor("SessionTemplate build, which says what follows from the end of pod build.a"))
	})
})
