package podspec

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Serves says whether the sessions of a template serve requests: a Task need not.
func Serves(t *v1alpha1.SessionTemplate) bool {
	return t.Spec.Mode != v1alpha1.ModeTask || t.Spec.Port != intstr.IntOrString{}
}

// Port returns the number of the port that serves the sessions of a template, and false if there is none. A name must be
// that of a TCP port of a container or sidecar; a number need not be declared by any.
func Port(t *v1alpha1.SessionTemplate) (int32, bool) {
	if t.Spec.Port.Type == intstr.Int {
		return t.Spec.Port.IntVal, t.Spec.Port.IntVal > 0 && t.Spec.Port.IntVal <= 65535
	}
	spec := &t.Spec.Template.Spec
	for i := range spec.Containers {
		if port, ok := tcpPort(&spec.Containers[i], t.Spec.Port.StrVal); ok {
			return port, true
		}
	}
	for i := range spec.InitContainers {
		if port, ok := tcpPort(&spec.InitContainers[i], t.Spec.Port.StrVal); ok && sidecar(&spec.InitContainers[i]) {
			return port, true
		}
	}
	return 0, false
}

func tcpPort(c *corev1.Container, name string) (int32, bool) {
	for _, p := range c.Ports {
		if name != "" && p.Name == name && (p.Protocol == "" || p.Protocol == corev1.ProtocolTCP) {
			return p.ContainerPort, true
		}
	}
	return 0, false
}

func sidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}
