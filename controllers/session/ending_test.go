package session

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

func Restarted(policy v1alpha1.RestartPolicy, most int32) templateOption {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Restart = v1alpha1.RestartSpec{Policy: policy, Max: &most}
	}
}

// AsTask is a template of work without a port.
func AsTask(name string, outcomes ...v1alpha1.Outcome) templateOption {
	return func(t *v1alpha1.SessionTemplate) {
		t.Name, t.Spec.Mode, t.Spec.Port, t.Spec.Outcomes = name, v1alpha1.ModeTask, intstr.IntOrString{}, outcomes
	}
}

// GivenOf makes the session of a key and a template.
func GivenOf(ctx context.Context, template, key string) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: template + "." + key}}
	s.Spec = v1alpha1.SessionSpec{Template: template, Key: key}
	Expect(api.Create(ctx, s)).To(Succeed())
	return s
}

// GivenWantedOf is GivenOf, on a tenant's account.
func GivenWantedOf(ctx context.Context, template, key, tenant string) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: template + "." + key}}
	s.Spec = v1alpha1.SessionSpec{Template: template, Key: key, Tenant: tenant, Owner: "id#" + tenant}
	Expect(api.Create(ctx, s)).To(Succeed())
	return s
}

// Named is a session that somebody else has made.
func Named(ctx context.Context, name string) *v1alpha1.Session {
	GinkgoHelper()
	return Now(ctx, &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}})
}

// Does has a session's next pod run and end with a code, and its name free again.
func Does(ctx context.Context, s *v1alpha1.Session, code int32) *v1alpha1.Session {
	GinkgoHelper()
	for Pod(ctx, s) == nil {
		Turn(ctx, s)
	}
	Runs(ctx, s)
	Turn(ctx, s)
	Turn(ctx, s)                                 // its publication is seen
	clk.SetTime(clk.Now().Add(10 * time.Second)) // a start that failed would have ended sooner
	Ends(ctx, s, code, "last words")
	now := Reconciled(ctx, s)
	for Pod(ctx, s) != nil {
		Turn(ctx, s)
	}
	return now
}

var _ = Describe("Restart", func() {
	It("Permanent is up without traffic, and again after a good end (001-03, 004-27)", func(ctx SpecContext) {
		GivenTemplate(ctx, Restarted(v1alpha1.RestartPermanent, 3))
		s := GivenSession(ctx, "a")
		Expect(Does(ctx, s, 0)).To(HavePhase(v1alpha1.PhaseWaking))
		Turn(ctx, s)
		Runs(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		clk.SetTime(clk.Now().Add(24 * time.Hour))
		Expect(Turn(ctx, s)).To(BeZero(), "it would fall asleep")
		Expect(Now(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
	})

	It("Transient replaces a pod that crashes, until that happens too often; then requests are told, and one may try later (000-14)", func(ctx SpecContext) {
		GivenTemplate(ctx, Restarted(v1alpha1.RestartTransient, 2))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		for range 2 {
			Expect(Does(ctx, s, 137)).To(HavePhase(v1alpha1.PhaseWaking))
		}
		now := Does(ctx, s, 137)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseFailed), HaveReason(v1alpha1.ReasonEndedTooOften)))
		Expect(now.Status.Failures.Count).To(BeEquivalentTo(3))
		Expect(now.Status.Failures.RetryAt.Sub(clk.Now())).To(BeNumerically("~", 4*time.Second, time.Millisecond))

		clk.SetTime(clk.Now().Add(5 * time.Second))
		Touch(ctx, s)
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(10 * time.Minute)) // long after restart.within
		Expect(Does(ctx, s, 137)).To(HavePhase(v1alpha1.PhaseWaking), "failures of long ago count")
	})

	It("Temporary is never up again by itself", func(ctx SpecContext) {
		GivenTemplate(ctx, Restarted(v1alpha1.RestartTemporary, 3))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Expect(Does(ctx, s, 137)).To(HavePhase(v1alpha1.PhaseAsleep))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		Touch(ctx, s)
		Turn(ctx, s)
		Expect(Pod(ctx, s)).NotTo(BeNil())
	})
})

var _ = Describe("How it ended", func() {
	It("is told with its signal and its evidence, and the last ten are kept (002-06)", func(ctx SpecContext) {
		GivenTemplate(ctx, Restarted(v1alpha1.RestartTransient, 100))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		for range 11 {
			Does(ctx, s, 137)
		}
		now := Does(ctx, s, 9)
		last := now.Status.LastExit
		Expect(*last.Code).To(BeEquivalentTo(9))
		Expect(last.Signal).To(BeNil())
		Expect(last.Message).To(Equal("last words"))
		Expect(last.Evidence).To(Equal("Kubelet"))
		Expect(now.Status.History).To(HaveLen(10))
		Expect(now.Status.History[0].Epoch).To(BeEquivalentTo(12))
		Expect(now.Status.History[9].Epoch).To(BeEquivalentTo(3))
		Expect(*now.Status.History[1].Signal).To(BeEquivalentTo(9))
	})
})

var _ = Describe("An outcome", func() {
	It("is the first rule that matches: Complete, Fail, Sleep or Restart (002-04, 002-05, 000-58)", func(ctx SpecContext) {
		GivenTemplate(ctx, func(t *v1alpha1.SessionTemplate) {
			t.Spec.Outcomes = []v1alpha1.Outcome{
				{ExitCodes: []int32{0}, Then: v1alpha1.OutcomeComplete},
				{ExitCodes: []int32{3, 4}, Then: v1alpha1.OutcomeFail},
				{ExitCodes: []int32{4, 5}, Then: v1alpha1.OutcomeSleep},
				{Reasons: []string{"Error"}, Then: v1alpha1.OutcomeRestart},
			}
		})
		for key, want := range map[string]struct {
			code   int32
			phase  v1alpha1.SessionPhase
			reason string
		}{
			"complete": {0, v1alpha1.PhaseCompleted, v1alpha1.ReasonCompleted},
			"fail":     {4, v1alpha1.PhaseFailed, v1alpha1.ReasonGaveUp},
			"sleep":    {5, v1alpha1.PhaseAsleep, v1alpha1.ReasonAsleep},
			"restart":  {137, v1alpha1.PhaseWaking, v1alpha1.ReasonWaking},
		} {
			s := GivenOf(ctx, "chess", key)
			Touch(ctx, s)
			Expect(Does(ctx, s, want.code)).To(And(HavePhase(want.phase), HaveReason(want.reason)), key)
		}
		for _, over := range []string{"chess.complete", "chess.fail"} {
			s := Named(ctx, over)
			Touch(ctx, s)
			Expect(Turn(ctx, s)).To(BeZero())
			Expect(Pod(ctx, s)).To(BeNil(), "%s was woken", over)
		}
	})

	It("puts the next pod of a Task off, which sleeps until then, holds no place, and has not failed; a new leader knows it too (002-20, 002-25)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1), AsTask("record", v1alpha1.Outcome{
			ExitCodes: []int32{75}, Then: v1alpha1.OutcomeRestart, After: &metav1.Duration{Duration: time.Hour},
		}))
		s := GivenOf(ctx, "record", "web-1")
		now := Does(ctx, s, 75)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseAsleep), HaveReason(v1alpha1.ReasonRestartsLater)))
		Expect(now).To(WaitFor("the time at which it starts again, see status.failures.retryAt"))
		Expect(now.Status.Failures).To(And(Not(BeNil()), HaveField("Count", BeZero())))
		Eventually(recorder.Events).Should(Receive(Equal("Normal RestartsLater Epoch 1: Error, exit code 75: last words")))

		r = NewOperator()
		Expect(Turn(ctx, s)).To(BeNumerically("~", now.Status.Failures.RetryAt.Sub(clk.Now()), time.Millisecond))
		other := GivenOf(ctx, "record", "web-2")
		Expect(Does(ctx, other, 0)).To(HavePhase(v1alpha1.PhaseCompleted), "another waits for its place")
		Turn(ctx, other) // its place is free
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil(), "it did not wait")

		clk.SetTime(now.Status.Failures.RetryAt.Time)
		Expect(Does(ctx, s, 0)).To(And(HavePhase(v1alpha1.PhaseCompleted), HaveReason(v1alpha1.ReasonCompleted)))
		Expect(Now(ctx, s).Status.Failures).To(BeNil())
	})

	It("starts others of the key, which may wait for one another (002-03, 002-13, 002-18, 002-20)", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("create", v1alpha1.Outcome{Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{
			{Template: "machine"}, {Template: "record"}, {Template: "configure", After: "all"},
		}}))
		for _, name := range []string{"machine", "record", "configure"} {
			GivenTemplate(ctx, AsTask(name))
		}
		s := GivenWantedOf(ctx, "create", "web-1", "alice")
		Expect(Does(ctx, s, 0)).To(And(HavePhase(v1alpha1.PhaseCompleted), HaveReason(v1alpha1.ReasonStarting)))
		r = NewOperator() // nothing of it is in an operator's memory
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(states(Now(ctx, s))).To(Equal([]v1alpha1.StartedState{v1alpha1.StartedRuns, v1alpha1.StartedRuns, v1alpha1.StartedWaiting}))

		Expect(Named(ctx, "machine.web-1").Spec.Tenant).To(Equal("alice"))
		Expect(Named(ctx, "machine.web-1").Spec.Owner).To(Equal("id#alice"))
		Expect(*Named(ctx, "machine.web-1").Spec.Input).To(MatchJSON(handOver(Now(ctx, s))))
		Expect(*Named(ctx, "machine.web-1").Spec.Input).To(ContainSubstring(`"message":"last words"`))
		Expect(Does(ctx, Named(ctx, "machine.web-1"), 0)).To(HavePhase(v1alpha1.PhaseCompleted))
		Turn(ctx, s)
		Turn(ctx, s)
		third := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "configure.web-1"}}
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(third), third))).To(BeTrue(), "it did not wait for all")

		Does(ctx, Named(ctx, "record.web-1"), 0)
		for range 3 {
			Turn(ctx, s)
		}
		Does(ctx, Named(ctx, "configure.web-1"), 0)
		Turn(ctx, s)
		Expect(Reconciled(ctx, s)).To(And(HavePhase(v1alpha1.PhaseCompleted), HaveReason(v1alpha1.ReasonCompleted)))
	})

	It("says in events who follows, and how it ended with them (002-21)", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("create", v1alpha1.Outcome{Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{{Template: "machine"}}}))
		GivenTemplate(ctx, AsTask("machine", v1alpha1.Outcome{ExitCodes: []int32{3}, Then: v1alpha1.OutcomeFail}))
		for key, end := range map[string]struct {
			code  int32
			event string
		}{
			"web-1": {0, "Normal Completed All that followed from it have completed"},
			"web-2": {3, "Warning StartedFailed One that followed from it has failed for good, or is gone"},
		} {
			s := GivenOf(ctx, "create", key)
			Does(ctx, s, 0)
			Turn(ctx, s)
			Turn(ctx, s)
			Eventually(recorder.Events).Should(Receive(Equal("Normal StartingOthers Session machine." + key + " follows from it")))
			Does(ctx, Named(ctx, "machine."+key), end.code)
			Turn(ctx, s)
			Turn(ctx, s)
			Eventually(recorder.Events).Should(Receive(Equal(end.event)))
		}
	})

	It("has failed when two wait for each other", func(ctx SpecContext) {
		one := v1alpha1.Outcome{Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{{Template: "repair"}}}
		two := v1alpha1.Outcome{Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{{Template: "create"}}}
		GivenTemplate(ctx, AsTask("create", one))
		GivenTemplate(ctx, AsTask("repair", two))
		s := GivenOf(ctx, "create", "web-1")
		Does(ctx, s, 0)
		Turn(ctx, s)
		Does(ctx, Named(ctx, "repair.web-1"), 0)
		Turn(ctx, s)
		Expect(Reconciled(ctx, s)).To(HaveReason(v1alpha1.ReasonStartedFailed))
	})

	It("tells when one that it started fails for good, and starts nothing behind it (003-19)", func(ctx SpecContext) {
		GivenTemplate(ctx, AsTask("create", v1alpha1.Outcome{Then: v1alpha1.OutcomeStart, Start: []v1alpha1.StartSpec{
			{Template: "machine"}, {Template: "configure", After: "all"},
		}}))
		GivenTemplate(ctx, AsTask("machine"), Restarted(v1alpha1.RestartTemporary, 0))
		s := GivenOf(ctx, "create", "web-1")
		Does(ctx, s, 0)
		Turn(ctx, s)
		Turn(ctx, s)
		Expect(Does(ctx, Named(ctx, "machine.web-1"), 1)).To(HaveReason(v1alpha1.ReasonGaveUp))
		for range 3 {
			Turn(ctx, s)
		}
		Expect(Now(ctx, s)).To(HaveReason(v1alpha1.ReasonStartedFailed))
		Expect(states(Now(ctx, s))).To(Equal([]v1alpha1.StartedState{v1alpha1.StartedFailed, v1alpha1.StartedWaiting}))
	})
})

func states(s *v1alpha1.Session) (states []v1alpha1.StartedState) {
	for _, o := range s.Status.Started {
		states = append(states, o.State)
	}
	return states
}
