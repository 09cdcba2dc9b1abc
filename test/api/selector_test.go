package api_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// awake is what a gateway selects: sessions that somebody has wanted and that are not asleep.
const awake = "status.phase!=,status.phase!=Asleep"

var _ = Describe("A field selector of Sessions", func() {
	BeforeEach(func(ctx SpecContext) {
		given(ctx, session("new"))
		given(ctx, session("asleep", "status={phase: Asleep}"))
		given(ctx, session("awake", "status={phase: Awake}"))
		given(ctx, session("draining", "status={phase: Draining}"))
		given(ctx, session("a", "metadata.name=go.a", "spec.template=go", "spec.tenant=alice"))
	})

	DescribeTable("selects (004-22)",
		func(ctx SpecContext, selector string, names ...string) {
			var list v1alpha1.SessionList
			Expect(api.List(ctx, &list, client.InNamespace(namespace), selecting(selector))).To(Succeed())
			var got []string
			for _, s := range list.Items {
				got = append(got, s.Name)
			}
			Expect(got).To(ConsistOf(names))
		},
		Entry("by template", "spec.template=go", "go.a"),
		Entry("by key", "spec.key=awake", "chess.awake"),
		Entry("by tenant", "spec.tenant=alice", "go.a"),
		Entry("by template and key", "spec.template=chess,spec.key=a"),
		Entry("by phase", "status.phase=Draining", "chess.draining"),
		Entry("what nobody has wanted", "status.phase=", "chess.new", "go.a"),
		Entry("what a gateway watches", awake, "chess.awake", "chess.draining"),
	)

	It("is rejected by another field", func(ctx SpecContext) {
		err := api.List(ctx, &v1alpha1.SessionList{}, client.InNamespace(namespace), selecting("status.epoch=1"))
		Expect(err).To(MatchError(ContainSubstring("field label not supported")))
	})

	It("tells a watch of sessions that enter, change in and leave the selection", func(ctx SpecContext) {
		s := &v1alpha1.Session{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess.asleep"}, s)).To(Succeed())
		w, err := api.Watch(ctx, &v1alpha1.SessionList{}, client.InNamespace(namespace), selecting(awake),
			&client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: s.ResourceVersion}})
		Expect(err).NotTo(HaveOccurred())
		DeferCleanup(w.Stop)
		become := func(phase v1alpha1.SessionPhase) string {
			s.Status.Phase = phase
			Expect(api.Status().Update(ctx, s)).To(Succeed())
			return s.ResourceVersion
		}
		next := func() (watch.EventType, *v1alpha1.Session) {
			for {
				var e watch.Event
				Eventually(ctx, w.ResultChan()).Should(Receive(&e))
				if got := e.Object.(*v1alpha1.Session); got.Name == s.Name {
					return e.Type, got
				}
			}
		}

		become(v1alpha1.PhaseWaking)
		kind, _ := next()
		Expect(kind).To(Equal(watch.Added))

		become(v1alpha1.PhaseAwake)
		kind, _ = next()
		Expect(kind).To(Equal(watch.Modified))

		asleep := become(v1alpha1.PhaseAsleep)
		kind, got := next()
		Expect(kind).To(Equal(watch.Deleted))
		Expect(got.ResourceVersion).To(Equal(asleep), "the version is the one that left")
		Expect(got.Status.Phase).To(Equal(v1alpha1.PhaseAwake), "the body is the one before")
	})
})

func selecting(text string) client.ListOption {
	GinkgoHelper()
	selector, err := fields.ParseSelector(text)
	Expect(err).NotTo(HaveOccurred())
	return client.MatchingFieldsSelector{Selector: selector}
}
