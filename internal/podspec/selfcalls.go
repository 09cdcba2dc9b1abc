package podspec

import (
	"path"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	// tokenVolume is the name of the volume with the token of the pod.
	tokenVolume = "dormouse-token"
	// tokenLife is how long a token is good, in seconds; the kubelet renews it when four fifths of it are over.
	tokenLife = 3600
)

// AddSelfCalls gives each container of a pod that For has made what it needs to call the gateways, if the template says that it may: a
// token that is good for that alone and for this pod alone, and their URL, if one is known. What is ours wins over the template.
func AddSelfCalls(pod *corev1.Pod, t *v1alpha1.SessionTemplate, url string) {
	if !t.Spec.SelfCalls {
		return
	}
	pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == tokenVolume })
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: tokenVolume, VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{
			Audience: v1alpha1.TokenAudience, ExpirationSeconds: ptr.To[int64](tokenLife), Path: path.Base(v1alpha1.TokenFile),
		}}},
		DefaultMode: ptr.To(int32(0o444)),
	}}})
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			mountToken(&containers[i], url)
		}
	}
}

func mountToken(c *corev1.Container, url string) {
	folder := path.Dir(v1alpha1.TokenFile)
	c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return within(m.MountPath, folder) || m.Name == tokenVolume })
	c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: tokenVolume, MountPath: folder, ReadOnly: true})
	if url == "" {
		return
	}
	c.Env = slices.DeleteFunc(c.Env, func(v corev1.EnvVar) bool { return v.Name == v1alpha1.EnvAPI })
	c.Env = append(c.Env, corev1.EnvVar{Name: v1alpha1.EnvAPI, Value: url})
}
