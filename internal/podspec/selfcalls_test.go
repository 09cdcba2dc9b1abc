package podspec_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// Whatever a template says, each container has one token for the gateways, at one place, and their URL; the ordinary token stays out.
func TestLawPodsThatCallHaveAToken(t *testing.T) {
	forEachTemplate(t, func(t *testing.T, template *v1alpha1.SessionTemplate) {
		spec := &template.Spec.Template.Spec
		spec.AutomountServiceAccountToken = nil
		spec.Volumes = append(spec.Volumes, corev1.Volume{Name: "dormouse-token"}, corev1.Volume{Name: "own"})
		for i := range spec.Containers {
			c := &spec.Containers[i]
			c.Env = append(c.Env, corev1.EnvVar{Name: v1alpha1.EnvAPI, Value: "http://evil"})
			c.VolumeMounts = append(c.VolumeMounts,
				corev1.VolumeMount{Name: "own", MountPath: "/var/run/secrets/sessions.dormouse.dev/"},
				corev1.VolumeMount{Name: "dormouse-token", MountPath: "/elsewhere"})
		}
		template.Spec.SelfCalls = false
		without := podspec.For(template, newSession("a"), 1)
		pod := without.DeepCopy()
		podspec.AddSelfCalls(pod, template, "http://gateway")
		if diff := cmp.Diff(without, pod); diff != "" {
			t.Fatalf("a template that does not say so:\n%s", diff)
		}
		template.Spec.SelfCalls = true
		podspec.AddSelfCalls(pod, template, "http://gateway")
		holdsToken(t, pod)
	})
}

func holdsToken(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	if *pod.Spec.AutomountServiceAccountToken {
		t.Fatal("the ordinary token is mounted")
	}
	var tokens []corev1.Volume
	for _, v := range pod.Spec.Volumes {
		if v.Name == "dormouse-token" {
			tokens = append(tokens, v)
		}
	}
	if len(tokens) != 1 || tokens[0].Projected == nil || len(tokens[0].Projected.Sources) != 1 {
		t.Fatalf("volumes: %v", tokens)
	}
	if token := tokens[0].Projected.Sources[0].ServiceAccountToken; token.Audience != "sessions.dormouse.dev" || *token.ExpirationSeconds != 3600 || token.Path != "token" {
		t.Fatalf("token: %v", token)
	}
	for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
		var at, urls []string
		for _, m := range c.VolumeMounts {
			if m.Name == "dormouse-token" {
				at = append(at, m.MountPath)
			}
		}
		for _, v := range c.Env {
			if v.Name == v1alpha1.EnvAPI {
				urls = append(urls, v.Value)
			}
		}
		if len(at) != 1 || at[0]+"/token" != v1alpha1.TokenFile || len(urls) != 1 || urls[0] != "http://gateway" {
			t.Fatalf("container %s: mounted at %v, URLs %v", c.Name, at, urls)
		}
	}
}

// What says nothing of calls is not rolled out because it could.
func TestRevisionOfPodsThatCall(t *testing.T) {
	template := newTemplate()
	before := podspec.Revision(template)
	template.Spec.SelfCalls = true
	if podspec.Revision(template) == before {
		t.Error("a template that lets its pods call has the revision of one that does not")
	}
}
