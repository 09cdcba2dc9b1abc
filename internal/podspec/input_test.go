package podspec_test

import (
	"path"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

func withInput(key, input string) *v1alpha1.Session {
	s := newSession(key)
	s.Spec.Input = &input
	return s
}

// Every container has the input as a file that it can only read, whatever the template mounts (001-08).
func TestLawEachContainerHasTheInput(t *testing.T) {
	forEachTemplate(t, func(t *testing.T, template *v1alpha1.SessionTemplate) {
		spec := &template.Spec.Template.Spec
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "dormouse-input"}, corev1.Volume{Name: "own"})
		for i := range spec.Containers {
			spec.Containers[i].VolumeMounts = append(spec.Containers[i].VolumeMounts,
				corev1.VolumeMount{Name: "own", MountPath: "/run/dormouse/"},
				corev1.VolumeMount{Name: "own", MountPath: v1alpha1.InputFile},
				corev1.VolumeMount{Name: "own", MountPath: "/run/dormouse2"})
		}
		// The kubelet expands $(NAME) in environments, and not in files: nothing is escaped.
		const input = "$(SESSION_KEY) $$\n日本"
		pod := podspec.For(template, withInput("a", input), 1)
		if got := pod.Annotations[v1alpha1.AnnotationInput]; got != input {
			t.Fatalf("the annotation is %q", got)
		}
		file := inputFile(t, pod)
		for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
			holdsInput(t, c, file)
		}
		for _, c := range pod.Spec.Containers {
			if last := c.VolumeMounts[len(c.VolumeMounts)-2]; last.MountPath != "/run/dormouse2" {
				t.Fatalf("a mount of the template's elsewhere is gone: %v", c.VolumeMounts)
			}
		}
	})
}

// inputFile is the name of the file in the one volume that has the input.
func inputFile(t *testing.T, pod *corev1.Pod) string {
	t.Helper()
	var found []corev1.Volume
	for _, v := range pod.Spec.Volumes {
		if v.Name == "dormouse-input" {
			found = append(found, v)
		}
	}
	if len(found) != 1 || found[0].DownwardAPI == nil || len(found[0].DownwardAPI.Items) != 1 {
		t.Fatalf("volumes of the input: %v", found)
	}
	item := found[0].DownwardAPI.Items[0]
	if item.FieldRef.FieldPath != "metadata.annotations['sessions.dormouse.dev/input']" {
		t.Fatalf("the file holds %s", item.FieldRef.FieldPath)
	}
	return item.Path
}

func holdsInput(t *testing.T, c corev1.Container, file string) {
	t.Helper()
	var found []corev1.VolumeMount
	for _, m := range c.VolumeMounts {
		if clean := path.Clean(m.MountPath); clean == "/run/dormouse" || strings.HasPrefix(clean, "/run/dormouse/") {
			found = append(found, m)
		}
	}
	if len(found) != 1 || found[0].Name != "dormouse-input" || !found[0].ReadOnly || found[0].MountPath+"/"+file != v1alpha1.InputFile {
		t.Fatalf("mounts of the input in %s: %v", c.Name, found)
	}
	if got := c.Env[5]; got.Name != v1alpha1.EnvInput || got.Value != v1alpha1.InputFile {
		t.Fatalf("environment of %s: %v", c.Name, c.Env)
	}
}

func TestAnEmptyInputIsAnInput(t *testing.T) {
	pod := podspec.For(newTemplate(), withInput("a", ""), 1)
	if input, ok := pod.Annotations[v1alpha1.AnnotationInput]; !ok || input != "" {
		t.Errorf("the annotation is %q, %v", input, ok)
	}
	holdsInput(t, pod.Spec.Containers[0], inputFile(t, pod))
}

func TestWithoutInputThereIsNothingOfIt(t *testing.T) {
	pod := podspec.For(newTemplate(), newSession("a"), 1)
	if _, ok := pod.Annotations[v1alpha1.AnnotationInput]; ok || len(pod.Spec.Volumes) > 0 || len(pod.Spec.Containers[0].VolumeMounts) > 0 {
		t.Errorf("got %v and %+v", pod.Annotations, pod.Spec)
	}
	for _, v := range pod.Spec.Containers[0].Env {
		if v.Name == v1alpha1.EnvInput {
			t.Errorf("%s is set", v.Name)
		}
	}
}
