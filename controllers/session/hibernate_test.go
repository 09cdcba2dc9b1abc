package session

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Hibernating takes processor time from a pod that nobody has needed for 10 s.
func Hibernating(t *v1alpha1.SessionTemplate) {
	t.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}
	t.Spec.Hibernate = &v1alpha1.HibernateSpec{After: metav1.Duration{Duration: 10 * time.Second}}
	t.Spec.Hibernate.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("1m")}
}

func cpuOf(ctx SpecContext, s *v1alpha1.Session) string {
	GinkgoHelper()
	return Pod(ctx, s).Spec.Containers[0].Resources.Requests.Cpu().String()
}

var _ = Describe("A session that hibernates", func() {
	It("is shrunk in place when nobody needs it, serves on, and gets its resources back with the next request (000-54, 000-55)", func(ctx SpecContext) {
		GivenTemplate(ctx, Hibernating)
		s := GivenAwake(ctx, "a")
		pod := Pod(ctx, s).UID
		Expect(Turn(ctx, s)).To(Equal(10 * time.Second))
		clk.SetTime(clk.Now().Add(10 * time.Second))
		Turn(ctx, s)
		now := Reconciled(ctx, s)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseHibernated), HaveReason(v1alpha1.ReasonHibernated)))
		Expect(now.Status.Endpoint.UID).To(Equal(pod), "it does not serve")
		Expect(cpuOf(ctx, s)).To(Equal("1m"))
		Expect(Turn(ctx, s)).To(Equal(50*time.Second), "it does not fall asleep")

		Touch(ctx, s)
		Turn(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(cpuOf(ctx, s)).To(Equal("100m"))
		Expect(Pod(ctx, s).UID).To(Equal(pod))

		clk.SetTime(clk.Now().Add(time.Minute))
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining))
	})

	It("is woken elsewhere when its node cannot give its resources back", func(ctx SpecContext) {
		GivenTemplate(ctx, Hibernating)
		s := GivenAwake(ctx, "a")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(10 * time.Second))
		Turn(ctx, s)
		Touch(ctx, s)
		Turn(ctx, s)
		status(ctx, s, func(p *corev1.PodStatus) {
			p.Conditions = append(p.Conditions, corev1.PodCondition{
				Type: corev1.PodResizePending, Status: corev1.ConditionTrue, Reason: corev1.PodReasonDeferred,
			})
		})
		now := Reconciled(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseDraining))
		Expect(now.Status.Drain.Forced).To(BeTrue())
	})
})
