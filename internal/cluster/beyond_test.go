package cluster

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gstruct"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

var _ = Describe("A wake beyond limits.sessions", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("is refused with that limit when the operator refuses the Session, also after it was removed (000-60)", func(ctx SpecContext) {
		create(ctx, newTemplate(namespace, "chess"))
		s := newSession(namespace, "late")
		wish := wishFor(s)
		wish.Create = true
		one, other := runs(ctx, namespace, "gw-a"), runs(ctx, namespace, "gw-b")
		all := []<-chan error{one.wakes(ctx, wish), one.wakes(ctx, wish)}
		Eventually(func() any { return server.Client.Get(ctx, keyOf(s), s) }).Should(Succeed())
		all = append(all, other.wakes(ctx, wish))
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil(), "the other gateway touches it")
		operator(ctx, s, func(status *v1alpha1.SessionStatus) {
			status.Phase, status.Limit, status.Drain = v1alpha1.PhaseQueued, "limits.sessions", &v1alpha1.Drain{Activity: status.Activity}
			status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonBeyondLimit, LastTransitionTime: metav1.Now()}}
		})
		refused := And(refusedWith(directory.LimitReached), gstruct.PointTo(And(
			HaveField("Reason", "limits.sessions"), HaveField("RetryAfter", 10*time.Second), HaveField("Message", "The template has as many sessions as it may have."))))
		for _, done := range all {
			Eventually(ctx, done).Should(Receive(refused))
		}
		Expect(one.Wake(ctx, wish)).To(refused)
		Expect(one.line.creates.Load()+other.line.creates.Load()).To(BeEquivalentTo(1), "a refusal that stands costs nothing")

		Expect(server.Client.Delete(ctx, s)).To(Succeed())
		Eventually(one.Directory.IDs).ShouldNot(ContainElement(idOf(s)))
		wish.Create = false
		Expect(one.Wake(ctx, wish)).To(refusedWith(directory.NotFound))
	})

	It("of a tenant is refused with that limit (000-60)", func(ctx SpecContext) {
		s := newSession(namespace, "late")
		create(ctx, s)
		h := runs(ctx, namespace, "gw")
		done := h.wakes(ctx, wishFor(s))
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		operator(ctx, s, func(status *v1alpha1.SessionStatus) {
			status.Phase, status.Limit, status.Drain = v1alpha1.PhaseQueued, "limits.perTenant.sessions", &v1alpha1.Drain{Activity: status.Activity}
			status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonBeyondLimit, LastTransitionTime: metav1.Now()}}
		})
		Eventually(ctx, done).Should(Receive(And(refusedWith(directory.LimitReached), gstruct.PointTo(And(
			HaveField("Reason", "limits.perTenant.sessions"), HaveField("RetryAfter", 10*time.Second), HaveField("Message", "The tenant has as many sessions of the template as it may have."))))))
	})

	It("of a quota names the quota, none of its numbers, and when to come again (000-60)", func(ctx SpecContext) {
		hard := corev1.ResourceList{"count/sessions.sessions.dormouse.dev": resource.MustParse("0")}
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "wall"}, Spec: corev1.ResourceQuotaSpec{Hard: hard}}
		create(ctx, quota)
		quota.Status = corev1.ResourceQuotaStatus{Hard: hard, Used: hard}
		Expect(server.Client.Status().Update(ctx, quota)).To(Succeed())
		// The API server's admission has a cache of its own.
		Eventually(func() error { return server.Client.Create(ctx, newSession(namespace, "trial"), client.DryRunAll) }).Should(MatchError(ContainSubstring("exceeded quota")))
		h := runs(ctx, namespace, "gw")
		wish := wishFor(newSession(namespace, "new"))
		wish.Create = true
		Expect(h.Wake(ctx, wish)).To(gstruct.PointTo(Equal(directory.Refusal{
			Kind: directory.LimitReached, Reason: "ResourceQuota", RetryAfter: 10 * time.Second,
			Message: "The ResourceQuota wall of the namespace is reached.",
		})))
	})
})

var _ = Describe("The count of a template's Sessions", func() {
	It("is believed when it stays the same, for as many may have been deleted as were made", func() {
		template := newTemplate("games", "chess")
		template.Spec.Limits.Sessions, template.Status.Sessions.Total = ptr.To[int32](3), 2
		id, now := directory.ID{Namespace: "games", Name: "chess"}, time.Now()
		t := &templates{known: map[directory.ID]*known{id: knownOf(template, nil)}}
		Expect(t.reserve(id, now)).To(BeTrue())
		Expect(t.reserve(id, now)).To(BeFalse(), "two that were counted, and one that was made")
		t.known[id] = knownOf(template, t.known[id]) // another version of it, with the same count
		Expect(t.reserve(id, now.Add(20*time.Second))).To(BeFalse())
		Expect(t.reserve(id, now.Add(20*time.Second+1))).To(BeTrue(), "the operator counts every ten seconds")
		Expect(t.reserve(id, now.Add(20*time.Second+1))).To(BeFalse())
	})
})
