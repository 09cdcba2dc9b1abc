package podspec

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// inputVolume is the name of the volume with the session's input.
const inputVolume = "dormouse-input"

// addInput gives the session's input to each container as a file. It travels in an annotation of the pod, so that no further
// object is needed. All annotations of a pod together have at most 256 KiB; the input has at most 64 KiB of them.
func addInput(pod *corev1.Pod, s *v1alpha1.Session) {
	if s.Spec.Input == nil {
		return
	}
	pod.Annotations[v1alpha1.AnnotationInput] = *s.Spec.Input
	pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == inputVolume })
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: inputVolume, VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{
		Items: []corev1.DownwardAPIVolumeFile{{
			Path:     path.Base(v1alpha1.InputFile),
			FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.annotations['" + v1alpha1.AnnotationInput + "']"},
		}},
		DefaultMode: ptr.To(int32(0o444)),
	}}})
	folder := path.Dir(v1alpha1.InputFile)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			c := &containers[i]
			c.VolumeMounts = slices.DeleteFunc(c.VolumeMounts, func(m corev1.VolumeMount) bool { return within(m.MountPath, folder) })
			c.VolumeMounts = append(c.VolumeMounts, corev1.VolumeMount{Name: inputVolume, MountPath: folder, ReadOnly: true})
		}
	}
}

// within says whether a path is a folder, or something in it.
func within(name, folder string) bool {
	return strings.HasPrefix(path.Clean(name)+"/", folder+"/")
}
