package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Hibernates has a pod that nobody has needed for so long ask for less processor time.
func Hibernates(after time.Duration, full, small string) option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Template.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(full)}
		t.Spec.Hibernate = &v1alpha1.HibernateSpec{After: metav1.Duration{Duration: after}}
		t.Spec.Hibernate.Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse(small)}
	}
}

// given is what the kubelet says that the container of a key has.
func (w *world) given(ctx context.Context, key string) string {
	GinkgoHelper()
	for _, c := range w.Pod(ctx, key).Status.ContainerStatuses {
		if c.Resources != nil {
			return c.Resources.Requests.Cpu().String()
		}
	}
	return ""
}

var _ = It("shrinks a pod in place that nobody needs, and gives its resources back with a request that does not wait (000-54, 000-55)", func(ctx SpecContext) {
	w := Given(ctx, "hibernate", Idle(time.Hour), Hibernates(3*time.Second, "50m", "2m"))
	first := w.Get(ctx, "a")
	Expect(first).To(Served("a", 1))
	w.Becomes(ctx, "a", v1alpha1.PhaseHibernated, time.Minute)
	Eventually(ctx, func(ctx context.Context) string { return w.given(ctx, "a") }).Should(Equal("2m"))

	second := w.Get(ctx, "a")
	Expect(second).To(Served("a", 1))
	Expect(second.UID).To(Equal(first.UID))
	w.Becomes(ctx, "a", v1alpha1.PhaseAwake, time.Minute)
	Eventually(ctx, func(ctx context.Context) string { return w.given(ctx, "a") }).Should(Equal("50m"))
	say("a request for a hibernated session was answered in %s", ms(second.Took))
}, SpecTimeout(5*time.Minute))
