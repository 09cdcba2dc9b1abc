package session

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// late is an operator's cache in which some objects are as they were.
type late struct {
	client.Client
	session *v1alpha1.Session
	node    *corev1.Node
}

func (l late) Get(ctx context.Context, name client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	switch o := o.(type) {
	case *v1alpha1.Session:
		if l.session != nil && client.ObjectKeyFromObject(l.session) == name {
			l.session.DeepCopyInto(o)
			return nil
		}
	case *corev1.Node:
		if l.node != nil && l.node.Name == name.Name {
			l.node.DeepCopyInto(o)
			return nil
		}
	}
	return l.Client.Get(ctx, name, o, opts...)
}

// Crashes has a session's pod end by itself, and the leader publish the next.
func Crashes(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	clk.SetTime(clk.Now().Add(10 * time.Second)) // a start that failed would have ended sooner
	Ends(ctx, s, 137, "killed")
	for range 3 {
		Turn(ctx, s) // its end, its release, its successor
	}
	Runs(ctx, s)
	Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
	Turn(ctx, s) // it sees its own publication
}

var _ = Describe("An operator whose view of the Session is late", func() {
	var s, before *v1alpha1.Session

	BeforeEach(func(ctx SpecContext) {
		GivenTemplate(ctx)
		s = GivenAwake(ctx, "a")
	})

	AfterEach(func(ctx SpecContext) {
		pod, leader := Pod(ctx, s), r
		r = NewOperator()
		r.Client = late{Client: api, session: before}
		Turn(ctx, s)
		r = leader
		Expect(Pod(ctx, s)).To(HaveField("DeletionTimestamp", BeNil()), "the pod of now was taken for a leftover")
		Expect(Now(ctx, s).Status.Endpoint).To(HaveField("UID", pod.UID))
	})

	It("leaves the pod alone that was published since", func(ctx SpecContext) {
		before = Now(ctx, s)
		Crashes(ctx, s)
	})

	It("leaves the pod alone that was published two epochs later", func(ctx SpecContext) {
		clk.SetTime(clk.Now().Add(10 * time.Second))
		Ends(ctx, s, 137, "killed")
		before = Reconciled(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		Runs(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Turn(ctx, s)
		Crashes(ctx, s)
	})

	It("leaves the pod alone of a Session that was deleted and made again", func(ctx SpecContext) {
		before = Now(ctx, s)
		Expect(api.Delete(ctx, s)).To(Succeed())
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Ends(ctx, s, 0, "bye")
		Turn(ctx, s)                                // its end
		clk.SetTime(clk.Now().Add(3 * time.Second)) // its kubelet does not finish
		Turn(ctx, s)                                // its release
		Turn(ctx, s)                                // the Session goes
		s = GivenAwake(ctx, "a")
	})
})

var _ = Describe("A pod of a later epoch than the cache has heard of", func() {
	It("is not taken for a leftover when it has ended, and its end is recorded", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		before := Now(ctx, s)
		Does(ctx, s, 137)
		Turn(ctx, s)
		Runs(ctx, s)
		Turn(ctx, s)
		Ends(ctx, s, 0, "done")

		r.Client = late{Client: api, session: before}
		now := Reconciled(ctx, s)
		Expect(now.Status.LastExit.Epoch).To(BeEquivalentTo(2))
		Expect(now.Status.LastExit.Message).To(Equal("done"))
	})
})

var _ = Describe("A node that was lost", func() {
	It("is no evidence once it is back, though an operator has not heard of that", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		lost := &corev1.Node{}
		Expect(api.Get(ctx, client.ObjectKey{Name: Pod(ctx, s).Spec.NodeName}, lost)).To(Succeed())
		lost.Spec.Taints = []corev1.Taint{{Key: corev1.TaintNodeOutOfService, Effect: corev1.TaintEffectNoExecute}}
		r.Client = late{Client: api, node: lost}
		Expect(api.Delete(ctx, Pod(ctx, s))).To(Succeed())
		for range 3 {
			Turn(ctx, s)
		}
		Expect(Pod(ctx, s)).To(HaveField("Finalizers", ContainElement(v1alpha1.Finalizer)), "it was released while it may run")
		Expect(Now(ctx, s).Status.LastExit).To(BeNil())
	})
})

var _ = Describe("A published pod that vanished", func() {
	It("is told of at once, though another has its name", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		pod := Pod(ctx, s)
		pod.Finalizers = nil
		Expect(api.Update(ctx, pod)).To(Succeed())
		Expect(api.Delete(ctx, pod, client.GracePeriodSeconds(0))).To(Succeed())
		other := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
			Namespace: pod.Namespace, Name: pod.Name, Labels: pod.Labels, Annotations: pod.Annotations,
			Finalizers: []string{v1alpha1.Finalizer}, OwnerReferences: pod.OwnerReferences,
		}, Spec: corev1.PodSpec{Containers: pod.Spec.Containers}}
		Expect(api.Create(ctx, other)).To(Succeed())
		bind(ctx, other)

		now := Reconciled(ctx, s)
		Expect(now.Status.Endpoint).To(BeNil())
		Expect(now.Status.LastExit.Reason).To(Equal("Vanished"))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(HaveField("DeletionTimestamp", Not(BeNil())), "the other is no leftover")
	})
})

var _ = Describe("An operator that hears late that a session is gone", func() {
	It("gives its place to the next one", func(ctx SpecContext) {
		GivenTemplate(ctx, AtMostAwake(1))
		a := GivenWanted(ctx, "a", "")
		Starts(ctx, a)
		Turn(ctx, a) // it sees its pod, from which the time of the start runs
		clk.SetTime(clk.Now().Add(2 * time.Minute))
		Expect(Reconciled(ctx, a)).To(HaveReason(v1alpha1.ReasonStartTimeout))
		for Pod(ctx, a) != nil {
			Turn(ctx, a)
		}
		clk.SetTime(clk.Now().Add(time.Hour)) // the end of its back-off, which is not reported yet

		last := Now(ctx, a)
		leader := r
		r = NewOperator()
		Expect(api.Delete(ctx, a)).To(Succeed())
		Goes(ctx, a)
		r = leader

		cached := r.Client
		r.Client = late{Client: api, session: last}
		_, err := r.Reconcile(ctx, reconcile.Request{NamespacedName: client.ObjectKeyFromObject(a)})
		Expect(err).To(HaveOccurred(), "there is nobody to report the sleep to")
		r.Client = cached
		Turn(ctx, a)
		Starts(ctx, GivenWanted(ctx, "b", ""))
	})
})
