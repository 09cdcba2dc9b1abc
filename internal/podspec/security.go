package podspec

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// restrictPod sets what Pod Security "restricted" wants of a pod, field by field, where the template says nothing.
func restrictPod(spec *corev1.PodSpec) {
	if spec.SecurityContext == nil {
		spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	sc := spec.SecurityContext
	// Who asks for user 0 has said it: with runAsNonRoot the kubelet would never start that pod.
	setDefault(&sc.RunAsNonRoot, !root(sc.RunAsUser))
	if sc.SeccompProfile == nil && !windows(spec) {
		sc.SeccompProfile = &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault}
	}
}

// restrictContainer does the same for a container. It keeps away from combinations that the API server rejects: a
// privileged container, or one with CAP_SYS_ADMIN, cannot refuse privilege escalation, and Windows knows none of it.
func restrictContainer(c *corev1.Container, windows bool) {
	if c.SecurityContext == nil {
		c.SecurityContext = &corev1.SecurityContext{}
	}
	sc := c.SecurityContext
	if root(sc.RunAsUser) {
		setDefault(&sc.RunAsNonRoot, false)
	}
	if windows || (sc.Privileged != nil && *sc.Privileged) {
		return
	}
	if sc.Capabilities == nil {
		sc.Capabilities = &corev1.Capabilities{}
	}
	if sc.Capabilities.Drop == nil {
		sc.Capabilities.Drop = []corev1.Capability{"ALL"}
	}
	if !sysAdmin(sc.Capabilities.Add) {
		setDefault(&sc.AllowPrivilegeEscalation, false)
	}
}

func root(user *int64) bool { return user != nil && *user == 0 }

func sysAdmin(added []corev1.Capability) bool {
	return slices.Contains(added, "SYS_ADMIN") || slices.Contains(added, "CAP_SYS_ADMIN")
}

func windows(spec *corev1.PodSpec) bool { return spec.OS != nil && spec.OS.Name == corev1.Windows }

func setDefault(field **bool, value bool) {
	if *field == nil {
		*field = &value
	}
}
