package session

import (
	"context"
	"fmt"
	"slices"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gtypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/census"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

func AtMostSessions(n int32) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.Sessions = &n }
}

// Tasks run from their creation to their own end.
func Tasks() templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Mode, t.Spec.Port = v1alpha1.ModeTask, intstr.IntOrString{} }
}

// GivenMade is a session that a gateway made for a request, at most a microsecond ago.
func GivenMade(ctx context.Context, key string, annotations ...string) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess." + key}}
	s.Annotations = map[string]string{v1alpha1.AnnotationWantedSince: clk.Now().UTC().Format(metav1.RFC3339Micro)}
	for _, a := range annotations {
		s.Annotations[a] = "other"
	}
	s.Spec = v1alpha1.SessionSpec{Template: "chess", Key: key}
	Expect(api.Create(ctx, s, client.FieldOwner(v1alpha1.OwnerGateway))).To(Succeed())
	return s
}

// BeBeyond matches a session that is refused for limits.sessions.
func BeBeyond(phase v1alpha1.SessionPhase) gtypes.GomegaMatcher {
	return And(HavePhase(phase), HaveReason(v1alpha1.ReasonBeyondLimit), HaveField("Status.Limit", "limits.sessions"), HaveField("Status.Epoch", BeZero()))
}

// names are those of the sessions, or of the pods, that there are.
func names(ctx context.Context, list client.ObjectList) (all []string) {
	GinkgoHelper()
	Expect(api.List(ctx, list, client.InNamespace(namespace))).To(Succeed())
	switch l := list.(type) {
	case *v1alpha1.SessionList:
		for i := range l.Items {
			all = append(all, l.Items[i].Name)
		}
	case *corev1.PodList:
		for i := range l.Items {
			all = append(all, l.Items[i].Name)
		}
	}
	return all
}

var _ = Describe("limits.sessions", func() {
	var called []string
	BeforeEach(func() {
		called = nil
		r.Census.Moved = func(id census.ID) { called = append(called, id.Name) }
	})
	after := func(d time.Duration) { clk.SetTime(clk.Now().Add(d)) }

	It("holds when gateways race beyond it: as many are ever woken, and the others are told and then removed (000-60)", func(ctx SpecContext) {
		const most, made = 3, 6
		GivenTemplate(ctx, AtMostSessions(most))
		var all []*v1alpha1.Session
		for i := range made { // the last of their names are the first to come, within a second or two
			all = append(all, GivenMade(ctx, fmt.Sprint("key-", made-i)))
		}
		slices.SortFunc(all, func(a, b *v1alpha1.Session) int {
			m, n := memberOf(a), memberOf(b)
			return slices.Compare([]string{fmt.Sprint(m.Born), m.ID.Name}, []string{fmt.Sprint(n.Born), n.ID.Name})
		})
		for _, s := range slices.Backward(all) { // whoever asks first
			Turn(ctx, s)
		}
		for _, s := range all[:most] {
			Expect(Reconciled(ctx, s)).To(HaveField("Finalizers", ContainElement(v1alpha1.Finalizer)))
			Expect(Pod(ctx, s)).NotTo(BeNil())
		}
		for _, s := range all[most:] {
			Expect(Now(ctx, s)).To(And(BeBeyond(v1alpha1.PhaseQueued), HaveField("Touched()", BeFalse())), "whoever waits is told at once")
			Expect(Turn(ctx, s)).To(Equal(time.Second), "so that every gateway sees it")
		}
		after(time.Second)
		for _, s := range all[most:] {
			Turn(ctx, s)
			Expect(recorder.Events).To(Receive(ContainSubstring(v1alpha1.ReasonBeyondLimit)))
			Turn(ctx, s)
		}
		var want []string
		for _, s := range all[:most] {
			want = append(want, s.Name)
		}
		Expect(names(ctx, &v1alpha1.SessionList{})).To(ConsistOf(want))
		Expect(names(ctx, &corev1.PodList{})).To(ConsistOf(want))
	})

	It("lets nobody begin who was within it when that was decided, and is not any more (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(1))
		a, b := GivenMade(ctx, "a"), GivenMade(ctx, "b")
		decided := func(s *v1alpha1.Session) (*world, lifecycle.Step) {
			w, err := r.gather(ctx, client.ObjectKeyFromObject(s), api)
			Expect(err).NotTo(HaveOccurred())
			return w, lifecycle.Next(observe(w))
		}
		w, step := decided(a)
		Expect(step.Verb).To(Equal(lifecycle.Protect))
		called = nil
		Changed(ctx, AtMostSessions(0))
		_, other := decided(b)
		Expect(other.Reason).To(Equal(lifecycle.ReasonBeyondLimit))
		Expect(called).To(ConsistOf("chess.a"), "its turn is taken again")
		Expect(r.act(ctx, w, step)).To(MatchError(ContainSubstring("a limit was reached in between")))
		Expect(Now(ctx, a).Finalizers).To(BeEmpty())

		Changed(ctx, AtMostSessions(1))
		w, step = decided(a)
		Expect(r.mayBegin(w)).To(BeTrue())
		Changed(ctx, AtMostSessions(0))
		decided(b)
		Expect(r.act(ctx, w, step)).To(Succeed(), "it has been let in")
		Expect(Now(ctx, a).Finalizers).To(ContainElement(v1alpha1.Finalizer))
	})

	It("wakes none beyond it, whatever touches it, and removes it all the same (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(0))
		s := GivenMade(ctx, "a")
		Expect(Reconciled(ctx, s)).To(BeBeyond(v1alpha1.PhaseQueued))
		after(time.Second)
		Touch(ctx, s)
		Expect(Reconciled(ctx, s)).To(And(BeBeyond(v1alpha1.PhaseQueued), HaveField("Touched()", BeFalse())), "who touched it is told too")
		Expect(Turn(ctx, s)).To(Equal(time.Second))
		after(time.Second)
		Turn(ctx, s)
		Expect(names(ctx, &v1alpha1.SessionList{})).To(BeEmpty())
		Expect(names(ctx, &corev1.PodList{})).To(BeEmpty())
	})

	It("removes one only as it was seen: a touch that comes meanwhile is told first", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(0))
		s := GivenMade(ctx, "a")
		seen := Reconciled(ctx, s)
		Touch(ctx, s)
		Expect(r.expire(ctx, seen)).To(MatchError(ContainSubstring("ResourceVersion in the precondition")))
	})

	It("keeps what a person applied and what an outcome started, and lets it in when there is room (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(1))
		first := GivenMade(ctx, "a")
		Starts(ctx, first)
		follower := GivenMade(ctx, "b-follows", v1alpha1.AnnotationStartedBy)
		applied := GivenMade(ctx, "c-applied", corev1.LastAppliedConfigAnnotation)
		person := GivenSession(ctx, "d-person")
		Expect(Reconciled(ctx, follower)).To(And(BeBeyond(v1alpha1.PhaseQueued), HaveField("Touched()", BeTrue())), "nobody would come again for it")
		Expect(Reconciled(ctx, applied)).To(And(BeBeyond(v1alpha1.PhaseQueued), HaveField("Touched()", BeFalse())))
		Turn(ctx, applied)
		Expect(Reconciled(ctx, person)).To(BeBeyond(v1alpha1.PhaseAsleep), "nobody waits for it")
		Touch(ctx, person)
		Expect(Reconciled(ctx, person)).To(BeBeyond(v1alpha1.PhaseQueued))
		Turn(ctx, person)
		after(time.Second)
		for s, phase := range map[*v1alpha1.Session]v1alpha1.SessionPhase{follower: v1alpha1.PhaseQueued, applied: v1alpha1.PhaseAsleep, person: v1alpha1.PhaseAsleep} {
			Expect(Reconciled(ctx, s)).To(BeBeyond(phase))
			version := Now(ctx, s).ResourceVersion
			Expect(Turn(ctx, s)).To(BeZero())
			Expect(Now(ctx, s).ResourceVersion).To(Equal(version), "it costs nothing to be refused")
		}
		Expect(called).To(BeEmpty())

		r.forget(client.ObjectKeyFromObject(first)) // it is gone
		Expect(called).To(ConsistOf("chess.b-follows"), "one place, and one that is called")
		Starts(ctx, follower)
		Ends(ctx, follower, 0, "")
		Expect(api.Delete(ctx, Now(ctx, follower))).To(Succeed())
		Goes(ctx, follower)
		Expect(called).To(ConsistOf("chess.b-follows", "chess.c-applied"))
		Expect(Reconciled(ctx, applied)).To(And(HavePhase(v1alpha1.PhaseAsleep), HaveReason(v1alpha1.ReasonAsleep), HaveField("Status.Limit", "")))
		Touch(ctx, applied)
		Starts(ctx, applied)
		Expect(Reconciled(ctx, person)).To(BeBeyond(v1alpha1.PhaseAsleep))
	})

	It("refuses nobody who ever ran, however low it is set (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(2))
		asleep := GivenServed(ctx, "a", "")
		after(time.Minute)
		Sleeps(ctx, asleep)
		awake := GivenServed(ctx, "b", "")
		Changed(ctx, AtMostSessions(0))
		late := GivenWanted(ctx, "c", "")
		Expect(Reconciled(ctx, late)).To(BeBeyond(v1alpha1.PhaseQueued))
		Expect(Reconciled(ctx, awake)).To(HavePhase(v1alpha1.PhaseAwake))
		Touch(ctx, asleep)
		Starts(ctx, asleep)

		r = NewOperator()
		Expect(Reconciled(ctx, awake)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Reconciled(ctx, late)).To(BeBeyond(v1alpha1.PhaseQueued), "a new leader comes to the same answer")
	})

	It("calls those who are within it when it is raised, and nobody else; a Task starts then by itself (000-60)", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostSessions(1), Tasks())
		tasks := []*v1alpha1.Session{GivenSession(ctx, "a"), GivenSession(ctx, "b"), GivenSession(ctx, "c")}
		Starts(ctx, tasks[0])
		for _, s := range tasks[1:] {
			Expect(Reconciled(ctx, s)).To(BeBeyond(v1alpha1.PhaseQueued), "it waits for its turn")
		}
		called = nil
		raise := func(option templateOption) {
			Changed(ctx, option)
			t := &v1alpha1.SessionTemplate{}
			Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
			r.ofTemplate(ctx, t) // what the watch of templates does
		}
		raise(AtMostSessions(2))
		Expect(called).To(ConsistOf("chess.b"))
		Starts(ctx, tasks[1])
		Expect(Now(ctx, tasks[1])).To(And(HavePhase(v1alpha1.PhaseWaking), HaveField("Status.Limit", "")), "who waits for it is not refused any more")
		called = nil
		raise(func(t *v1alpha1.SessionTemplate) { t.Spec.Limits.Sessions = nil })
		Expect(called).To(ConsistOf("chess.c"))
		Starts(ctx, tasks[2])
	})

	It("is no business of a template that has none", func(ctx SpecContext) {
		GivenTemplate(ctx)
		Starts(ctx, GivenMade(ctx, "a"))
		of := census.ID{Namespace: namespace, Name: "chess"}
		Expect(r.Census.Enter(of, "chess.a")).To(BeFalse(), "nobody is counted")
	})
})
