package cluster

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gstruct"
	"github.com/onsi/gomega/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

func refusedWith(kind directory.RefusalKind) types.GomegaMatcher {
	return gstruct.PointTo(HaveField("Kind", kind))
}

var _ = Describe("A wake", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	// 000-03, 000-36
	It("costs one touch, however many wait for it", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, newTemplate(namespace, "chess"), s)
		h := runs(ctx, namespace, "gw")
		var all []<-chan error
		for range 100 {
			all = append(all, h.wakes(ctx, wishFor(s)))
		}
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		Expect(s.Status.Activity.Source).To(Equal(v1alpha1.SourceRequest))
		Expect(s.Status.Activity.By).To(Equal("gw-1"))
		late := h.wakes(ctx, wishFor(s))
		operator(ctx, s, published(1))
		for _, done := range append(all, late) {
			Eventually(ctx, done).Should(Receive(BeNil()))
		}
		Expect(h.line.touches.Load()).To(BeEquivalentTo(1))
		v := h.enter(s)
		Expect(v.Pod()).To(Equal(directory.Pod{UID: "pod", Address: "127.0.0.1", Port: 80}))
		v.Leave()
		Consistently(h.line.touches.Load).Should(BeEquivalentTo(1))
	})

	It("goes on when the one who asked first has gone", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		h.line.fail("touch", errDown)
		first, gone := context.WithCancel(ctx)
		done := h.wakes(first, wishFor(s))
		Eventually(h.line.touches.Load).Should(BeNumerically(">", 0))
		gone()
		Eventually(ctx, done).Should(Receive(MatchError(context.Canceled)))
		h.line.fail("touch", nil)
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
	})

	// 000-07
	It("of a key without a Session is refused, where none may be made", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		err := h.Wake(ctx, wishFor(newSession(namespace, "unknown")))
		Expect(err).To(refusedWith(directory.NotFound))
		Expect(h.line.creates.Load()).To(BeZero())
		Expect(h.Directory.IDs()).NotTo(ContainElement(HaveField("Namespace", namespace)))
	})

	// 000-03, 000-37, 004-05: the touch comes first; where it finds nothing, name and template are all that a create needs.
	It("makes the Session where it may, with one write, whoever else does", func(ctx SpecContext) {
		create(ctx, newTemplate(namespace, "chess"))
		s := newSession(namespace, "new")
		wish := wishFor(s)
		wish.Create = true
		one, other := runs(ctx, namespace, "gw-a"), runs(ctx, namespace, "gw-b")
		all := []<-chan error{one.wakes(ctx, wish), one.wakes(ctx, wish), one.wakes(ctx, wish)}
		Eventually(func() any { return server.Client.Get(ctx, keyOf(s), s) }).Should(Succeed())
		Expect(time.Parse(time.RFC3339Nano, s.Annotations[v1alpha1.AnnotationWantedSince])).To(BeTemporally("~", time.Now(), 10*time.Second))
		all = append(all, other.wakes(ctx, wish))
		operator(ctx, s, published(1))
		for _, done := range all {
			Eventually(ctx, done).Should(Receive(BeNil()))
		}
		Expect(one.line.creates.Load()).To(BeEquivalentTo(1))
		Expect(one.line.touches.Load()).To(BeEquivalentTo(1), "the touch that found nothing")
	})

	It("makes no Session beyond limits.sessions (000-60)", func(ctx SpecContext) {
		template := newTemplate(namespace, "chess")
		template.Spec.Limits.Sessions = ptr.To[int32](1)
		create(ctx, template)
		h := runs(ctx, namespace, "gw")
		first, second := wishFor(newSession(namespace, "first")), wishFor(newSession(namespace, "second"))
		first.Create, second.Create = true, true
		cancelled, cancel := context.WithCancel(ctx)
		h.wakes(cancelled, first)
		Eventually(h.line.creates.Load).Should(BeEquivalentTo(1))
		cancel()
		Eventually(func() any { return h.Wake(ctx, second) }).Should(refusedWith(directory.LimitReached))
	})

	// 000-60
	It("is refused at once, with the limit's name, when the operator refuses it, and the next one tries again", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		refuse := func(s *v1alpha1.SessionStatus) {
			s.Phase, s.Limit, s.Drain = v1alpha1.PhaseQueued, "limits.perTenant.awake", &v1alpha1.Drain{Activity: s.Activity}
			s.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonLimitReached, LastTransitionTime: metav1.Now()}}
		}
		all := []<-chan error{h.wakes(ctx, wishFor(s)), h.wakes(ctx, wishFor(s))}
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		operator(ctx, s, refuse)
		refused := And(refusedWith(directory.LimitReached), gstruct.PointTo(And(HaveField("Reason", "limits.perTenant.awake"), HaveField("RetryAfter", 2*time.Second))))
		for _, done := range all {
			Eventually(ctx, done).Should(Receive(refused))
		}
		Expect(h.Wake(ctx, wishFor(s))).To(refused)
		Expect(h.line.touches.Load()).To(BeEquivalentTo(1), "a refusal that stands costs nothing")

		operator(ctx, s, asleep)
		Eventually(h.Directory.IDs).ShouldNot(ContainElement(idOf(s)))
		done := h.wakes(ctx, wishFor(s))
		Eventually(h.line.touches.Load).Should(BeEquivalentTo(2))
		operator(ctx, s, published(1))
		Eventually(ctx, done).Should(Receive(BeNil()))
	})

	It("that ends in the queue of a limit says so", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		waits, over := context.WithCancel(ctx)
		done := h.wakes(waits, wishFor(s))
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		operator(ctx, s, func(s *v1alpha1.SessionStatus) { s.Phase, s.Limit = v1alpha1.PhaseQueued, "limits.awake" })
		Consistently(ctx, done).ShouldNot(Receive())
		over()
		Eventually(ctx, done).Should(Receive(And(MatchError(context.Canceled), gstruct.PointTo(HaveField("Limit", "limits.awake")))))
	})

	// 000-60
	It("makes no more Sessions in a minute than limits.createsPerMinute", func(ctx SpecContext) {
		template := newTemplate(namespace, "chess")
		template.Spec.Limits.CreatesPerMinute, template.Spec.Limits.Sessions = ptr.To[int32](2), ptr.To[int32](3)
		create(ctx, template)
		h := runs(ctx, namespace, "gw")
		wish := func(key string) directory.Wish {
			w := wishFor(newSession(namespace, key))
			w.Create = true
			return w
		}
		cancelled, cancel := context.WithCancel(ctx)
		h.wakes(cancelled, wish("first"))
		h.wakes(cancelled, wish("second"))
		Eventually(h.line.creates.Load).Should(BeEquivalentTo(2))
		cancel()
		Expect(h.Wake(ctx, wish("third"))).To(And(refusedWith(directory.TooFast),
			gstruct.PointTo(And(HaveField("Reason", "limits.createsPerMinute"), HaveField("RetryAfter", BeNumerically("~", 30*time.Second, 10*time.Second))))))
		Expect(h.Wake(ctx, wish("third"))).To(refusedWith(directory.TooFast), "what was not made counts towards limits.sessions")
		Expect(h.line.creates.Load()).To(BeEquivalentTo(2))
	})

	It("of a key that the API server does not take is refused with its words", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		s := newSession(namespace, "a")
		wish := wishFor(s)
		wish.Create, wish.Key = true, "b"
		Expect(h.Wake(ctx, wish)).To(And(refusedWith(directory.NotFound), MatchError(ContainSubstring("metadata.name"))))
	})

	// 000-04
	It("of a session that cannot start is refused at once, and touches nothing", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		done := h.wakes(ctx, wishFor(s))
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		operator(ctx, s, func(s *v1alpha1.SessionStatus) {
			s.Phase = v1alpha1.PhaseFailed
			s.LastExit = &v1alpha1.Exit{Epoch: 1, Reason: "Error", Code: ptr.To[int32](3), Message: "no such file", Time: metav1.Now()}
			s.Failures = &v1alpha1.Failures{Count: 1, RetryAt: ptr.To(metav1.NewMicroTime(time.Now().Add(time.Minute)))}
		})
		refused := And(refusedWith(directory.StartFailed), MatchError("Error: exit code 3: no such file"),
			gstruct.PointTo(HaveField("RetryAfter", BeNumerically("~", time.Minute, 10*time.Second))))
		Eventually(ctx, done).Should(Receive(refused))
		Expect(h.Wake(ctx, wishFor(s))).To(refused)
		Expect(h.line.touches.Load()).To(BeEquivalentTo(1))
	})

	It("of a Session that is being deleted is refused", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		s.Finalizers = []string{v1alpha1.Finalizer}
		create(ctx, s)
		Expect(server.Client.Delete(ctx, s)).To(Succeed())
		h := runs(ctx, namespace, "gw")
		Expect(h.Wake(ctx, wishFor(s))).To(refusedWith(directory.Gone))
	})

	// 002-19
	It("of a Session whose last sessions run is refused, wakes nothing, and costs no touch", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		s.Finalizers = []string{v1alpha1.Finalizer}
		create(ctx, s)
		operator(ctx, s, published(1))
		h := runs(ctx, namespace, "gw")
		Eventually(ctx, h.wakes(ctx, wishFor(s))).Should(Receive(BeNil()))
		touched := h.line.touches.Load()
		Expect(server.Client.Delete(ctx, s)).To(Succeed())
		operator(ctx, s, drained)
		operator(ctx, s, func(s *v1alpha1.SessionStatus) { s.Phase, s.Drain.Forced = v1alpha1.PhaseStopping, true })
		Eventually(ctx, func(ctx context.Context) error { return h.Wake(ctx, wishFor(s)) }).Should(refusedWith(directory.Gone))
		Expect(h.Wake(ctx, wishFor(s))).To(refusedWith(directory.Gone))
		Expect(h.line.touches.Load()).To(Equal(touched))
	})

	// 000-16: whoever comes while the session stops waits for the next epoch.
	It("outlasts the end of the epoch before", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		operator(ctx, s, published(1))
		operator(ctx, s, drained)
		operator(ctx, s, func(s *v1alpha1.SessionStatus) { s.Phase = v1alpha1.PhaseStopping })
		h := runs(ctx, namespace, "gw")
		done := h.wakes(ctx, wishFor(s))
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		operator(ctx, s, asleep)
		Consistently(ctx, done).ShouldNot(Receive())
		operator(ctx, s, published(2))
		Eventually(ctx, done).Should(Receive(BeNil()))
		Expect(h.enter(s).Epoch()).To(BeEquivalentTo(2))
	})
})
