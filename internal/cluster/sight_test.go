package cluster

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = Describe("The sight of a gateway", func() {
	var namespace string
	var s *v1alpha1.Session
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		s = newSession(namespace, "a")
		create(ctx, newTemplate(namespace, "chess"), s)
		operator(ctx, s, published(1))
	})

	It("vouches for an unpublish at once, when nothing is in flight", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		h.enter(s).Leave()
		operator(ctx, s, drained)
		Eventually(func() bool { return h.vouchesFor(ctx, s) }).WithTimeout(time.Second).Should(BeTrue())
		_, ok := h.Enter(idOf(s))
		Expect(ok).To(BeFalse())
		Expect(activityOf(ctx, s)).NotTo(BeNil(), "the first visit after a list touches once")
	})

	// 000-11, 000-12, 000-15: a request that found the pod before the unpublish takes the sleep back before anybody may stop it.
	It("vouches for an unpublish only when the touch of a request in flight is in", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		v := h.enter(s)
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		h.line.fail("touch", errDown)
		operator(ctx, s, drained)
		unpublished := s.DeepCopy()
		Eventually(func() string { return h.lease(ctx).Annotations[v1alpha1.AnnotationUnsettled] }).Should(Equal(string(s.UID)))
		Consistently(func() bool { return h.vouchesFor(ctx, unpublished) }).Should(BeFalse())
		h.line.fail("touch", nil)
		Eventually(func() bool { return h.vouchesFor(ctx, unpublished) }).Should(BeTrue())
		Expect(activityOf(ctx, s)).NotTo(Equal(unpublished.Status.Drain.Activity))
		v.Leave()
	})

	It("holds a forced drain until the last request has ended, and touches nothing", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		v := h.enter(s)
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil())
		before := h.line.touches.Load()
		operator(ctx, s, func(s *v1alpha1.SessionStatus) {
			drained(s)
			s.Drain.Forced, s.Drain.Deadline = true, ptr.To(metav1.NewMicroTime(time.Now().Add(time.Minute)))
		})
		Eventually(func() string { return h.lease(ctx).Annotations[v1alpha1.AnnotationUnsettled] }).Should(Equal(string(s.UID)))
		Consistently(func() bool { return h.vouchesFor(ctx, s) }).Should(BeFalse())
		v.Leave()
		Eventually(func() bool { return h.vouchesFor(ctx, s) }).WithTimeout(time.Second).Should(BeTrue())
		Expect(h.line.touches.Load()).To(Equal(before))
	})

	// 000-24, 000-30, 004-13
	It("forgets a session that fell asleep", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		h.enter(s).Leave()
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil(), "the first visit after a list touches once")
		operator(ctx, s, drained)
		operator(ctx, s, asleep)
		Eventually(h.Directory.IDs).ShouldNot(ContainElement(idOf(s)))
		_, ok := h.Directory.Address("pod")
		Expect(ok).To(BeFalse())
	})

	It("is whole again after the API server has forgotten the history (004-15)", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		other := newSession(namespace, "b")
		create(ctx, other)
		h.enter(s).Leave()
		Eventually(func() any { return activityOf(ctx, s) }).ShouldNot(BeNil(), "the answer of a touch says where a session stands, too")
		h.line.fail("list", errDown)
		h.line.cut(apierrors.NewResourceExpired("too old"))
		operator(ctx, s, asleep)
		operator(ctx, other, published(1))
		lists := h.line.lists.Load()
		h.line.fail("list", nil)
		Eventually(h.line.lists.Load).Should(BeNumerically(">", lists))
		Eventually(h.Directory.IDs).ShouldNot(ContainElement(idOf(s)))
		h.enter(other).Leave()
	})

	It("goes on from where the watch broke", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		h.enter(s).Leave()
		h.line.cut(errDown)
		operator(ctx, s, asleep)
		Eventually(h.Directory.IDs).ShouldNot(ContainElement(idOf(s)))
		Expect(h.line.lists.Load()).To(BeEquivalentTo(1))
	})
})

var _ = Describe("The Lease of a gateway", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	It("is there, vouching for nothing, before the first list", func(ctx SpecContext) {
		var atList *coordinationv1.Lease
		h := runs(ctx, namespace, "gw", func(o *Options, l *line) {
			o.Identity.PodUID = "u"
			l.onList = func() {
				lease := &coordinationv1.Lease{}
				if atList == nil && server.Client.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "gw"}, lease) == nil {
					atList = lease
				}
			}
		})
		Expect(atList).NotTo(BeNil())
		Expect(atList.Annotations[v1alpha1.AnnotationWatermark]).To(BeEmpty())
		Expect(atList.Spec.HolderIdentity).To(HaveValue(Equal("gw-1")))
		Eventually(func() string { return h.lease(ctx).Annotations[v1alpha1.AnnotationWatermark] }).ShouldNot(BeEmpty())
		lease := h.lease(ctx)
		Expect(lease.Labels).To(HaveKeyWithValue(v1alpha1.LabelComponent, v1alpha1.ComponentGateway))
		Expect(lease.OwnerReferences).To(ConsistOf(metav1.OwnerReference{APIVersion: "v1", Kind: "Pod", Name: "gw", UID: "u"}))
		Expect(lease.Spec.AcquireTime.Time).To(BeTemporally("~", h.options.Identity.Started, time.Second))
		renewed := lease.Spec.RenewTime.Time
		Eventually(func() time.Time { return h.lease(ctx).Spec.RenewTime.Time }).Should(BeTemporally(">", renewed))
	})

	It("passes from a process to the next of the same pod, and ends the first", func(ctx SpecContext) {
		first := runs(ctx, namespace, "gw")
		Eventually(func() string { return first.lease(ctx).Annotations[v1alpha1.AnnotationWatermark] }).ShouldNot(BeEmpty())
		var atList string
		second := runs(ctx, namespace, "gw", func(o *Options, l *line) {
			o.Identity.Instance = "gw-2"
			l.onList = func() { atList += first.lease(ctx).Annotations[v1alpha1.AnnotationWatermark] }
		})
		Expect(atList).To(BeEmpty(), "it vouches for what only the process before has seen")
		Eventually(ctx, first.ended).WithTimeout(10 * time.Second).Should(Receive(MatchError(errTaken)))
		Consistently(second.ended).ShouldNot(Receive())
		Expect(second.lease(ctx).Spec.HolderIdentity).To(HaveValue(Equal("gw-2")))
	})

	It("is made again if somebody deletes it, and deleted at the end", func(ctx SpecContext) {
		h := runs(ctx, namespace, "gw")
		Expect(server.Client.Delete(ctx, h.lease(ctx))).To(Succeed())
		here := client.ObjectKey{Namespace: namespace, Name: "gw"}
		Eventually(func() error { return server.Client.Get(ctx, here, &coordinationv1.Lease{}) }).Should(Succeed())
		h.stop()
		Eventually(ctx, h.ended).Should(Receive(BeNil()))
		Expect(h.Release(ctx)).To(Succeed())
		Expect(server.Client.Get(ctx, here, &coordinationv1.Lease{})).To(Satisfy(apierrors.IsNotFound))
	})

	It("stops new connections and wakes while it cannot be renewed (000-33)", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		operator(ctx, s, published(1))
		h := runs(ctx, namespace, "gw", func(o *Options, _ *line) { o.MaxStaleness = 3 * time.Second })
		v := h.enter(s)
		_, ok := h.Directory.Address("pod")
		Expect(ok).To(BeTrue())
		h.line.fail("lease", errDown)
		Eventually(h.Directory.Stale).Should(BeTrue())
		_, ok = h.Directory.Address("pod")
		Expect(ok).To(BeFalse())
		Expect(h.Wake(ctx, wishFor(s))).To(MatchError(ContainSubstring("lost the API server")))
		h.enter(s).Leave()
		h.line.fail("lease", nil)
		Eventually(h.Directory.Stale).Should(BeFalse())
		v.Leave()
	})
})
