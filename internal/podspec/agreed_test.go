package podspec_test

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// What was agreed when a pod was made holds for it, whatever becomes of the template.
func TestAgreed(t *testing.T) {
	template := newTemplate()
	template.Spec.Port, template.Spec.Protocol = intstr.FromInt32(8080), v1alpha1.ProtocolH2C
	template.Spec.Save = &v1alpha1.SaveSpec{Path: "/save?now", Timeout: &metav1.Duration{Duration: 90 * time.Second}}
	pod := podspec.For(template, newSession("a"), 1)
	revision := podspec.Revision(template)
	template.Spec.Protocol = v1alpha1.ProtocolHTTP
	if podspec.Revision(template) == revision {
		t.Error("another protocol is no other pod")
	}
	template.Spec.Port, template.Spec.Save = intstr.FromInt32(9090), nil
	if protocol := podspec.ProtocolOf(pod); protocol != v1alpha1.ProtocolH2C {
		t.Errorf("protocol %q", protocol)
	}
	if port, ok := podspec.PortOf(pod); !ok || port != 8080 {
		t.Errorf("port %d, %v", port, ok)
	}
	if path, timeout, ok := podspec.SaveOf(pod); !ok || path != "/save?now" || timeout != 90*time.Second {
		t.Errorf("save %q, %v, %v", path, timeout, ok)
	}
	pod = podspec.For(template, newSession("a"), 2)
	if protocol := podspec.ProtocolOf(pod); protocol != "" {
		t.Errorf("a pod that speaks HTTP/1.1 is said to speak %q", protocol)
	}
	if path, _, ok := podspec.SaveOf(pod); ok {
		t.Errorf("a pod without a save hook has %q", path)
	}
}
