package podspec_test

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

func list(cpu, memory string) corev1.ResourceList {
	l := corev1.ResourceList{}
	if cpu != "" {
		l[corev1.ResourceCPU] = resource.MustParse(cpu)
	}
	if memory != "" {
		l[corev1.ResourceMemory] = resource.MustParse(memory)
	}
	return l
}

// Kubernetes refuses to change the class of a pod that runs.
func TestKeepsClass(t *testing.T) {
	for _, tt := range []struct {
		name                             string
		requests, limits, small, smaller corev1.ResourceList // smaller: limits
		want                             bool
	}{
		{"burstable", list("100m", "64Mi"), list("", "64Mi"), list("1m", ""), nil, true},
		{"guaranteed, requests alone", list("1", "1Gi"), list("1", "1Gi"), list("1m", ""), nil, false},
		{"guaranteed, both", list("1", "1Gi"), list("1", "1Gi"), list("1m", ""), list("1m", ""), true},
		{"guaranteed by limits alone", nil, list("1", "1Gi"), nil, list("1m", ""), true},
		{"best effort", nil, nil, list("1m", ""), nil, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			template := newTemplate()
			template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "table", Resources: corev1.ResourceRequirements{Requests: tt.requests, Limits: tt.limits}}}
			template.Spec.Hibernate = &v1alpha1.HibernateSpec{Resources: v1alpha1.HibernateResources{Requests: tt.small, Limits: tt.smaller}}
			if got := podspec.KeepsClass(template); got != tt.want {
				t.Errorf("got %v", got)
			}
			pod := podspec.For(template, newSession("a"), 1)
			if podspec.IsSmall(pod) {
				t.Error("a new pod is small")
			}
			pod.Spec.Containers[0].Resources = podspec.TiersOf(pod).Small["table"]
			if !podspec.IsSmall(pod) {
				t.Errorf("small, and not seen as such: %v", pod.Spec.Containers[0].Resources)
			}
		})
	}
}
