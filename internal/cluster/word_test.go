package cluster

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

func idleAfter(d time.Duration) directory.Word { return directory.Word{IdleAfter: &d} }

func busy(d time.Duration) directory.Word { return directory.Word{Busy: &d} }

var _ = Describe("What a workload says", func() {
	var namespace string
	BeforeEach(func(ctx SpecContext) { namespace = newNamespace(ctx) })

	// 000-10, 000-26, 000-57
	It("is written with a touch of its own, carried on by other gateways, and taken out when it ends", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, newTemplate(namespace, "chess"), s)
		operator(ctx, s, published(1))
		one, other := runs(ctx, namespace, "gw-a"), runs(ctx, namespace, "gw-b")

		v := one.enter(s)
		v.Says(busy(2 * time.Hour))
		v.Says(idleAfter(90 * time.Second))
		v.Leave()
		Eventually(func() *metav1.Duration { return idleOf(activityOf(ctx, s)) }).Should(Equal(&metav1.Duration{Duration: 90 * time.Second}))
		Expect(s.Status.Activity.Busy.Duration).To(BeNumerically("~", 2*time.Hour, 10*time.Second))

		Eventually(func() directory.Word { return other.Directory.Word(idOf(s)) }).Should(HaveField("IdleAfter", HaveValue(Equal(90*time.Second))))
		_, err := other.waker.written(ctx, idOf(s), v1alpha1.SourceRequest)
		Expect(err).NotTo(HaveOccurred())
		Expect(activityOf(ctx, s).By).To(Equal("gw-b-1"))
		Expect(s.Status.Activity.IdleAfter).To(Equal(&metav1.Duration{Duration: 90 * time.Second}))
		Expect(s.Status.Activity.Busy.Duration).To(BeNumerically("~", 2*time.Hour, 10*time.Second))

		v = other.enter(s)
		v.Says(busy(0))
		v.Says(idleAfter(0))
		v.Leave()
		Eventually(func() *metav1.Duration { return idleOf(activityOf(ctx, s)) }).Should(Equal(&metav1.Duration{}))
		Expect(s.Status.Activity.Busy).To(BeNil())
		Eventually(func() directory.Word { return one.Directory.Word(idOf(s)) }).Should(HaveField("IdleAfter", HaveValue(BeZero())), "it does not hear of it")
		v = one.enter(s)
		v.Leave()
		Eventually(func() *v1alpha1.Activity { return activityOf(ctx, s) }).Should(And(HaveField("IdleAfter", BeNil()), HaveField("Busy", BeNil())))
	})

	It("is left in units that the API takes", func(ctx SpecContext) {
		s := newSession(namespace, "a")
		create(ctx, s)
		operator(ctx, s, published(1))
		h := runs(ctx, namespace, "gw")
		v := h.enter(s)
		v.Says(busy(time.Second + time.Microsecond))
		v.Leave()
		Eventually(func() *v1alpha1.Activity { return activityOf(ctx, s) }).Should(HaveField("Busy", Not(BeNil()))) // the touch of the visit itself may come before
		Expect(s.Status.Activity.Busy.Duration % time.Millisecond).To(BeZero())
		_, shortest := saidBy(busy(time.Nanosecond))
		Expect(shortest.Duration).To(Equal(time.Millisecond))
	})
})

func idleOf(a *v1alpha1.Activity) *metav1.Duration {
	if a == nil {
		return nil
	}
	return a.IdleAfter
}
