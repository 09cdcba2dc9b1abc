package podspec_test

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/randfill"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// forEachTemplate calls law with many random pod templates, always the same ones.
func forEachTemplate(t *testing.T, law func(*testing.T, *v1alpha1.SessionTemplate)) {
	t.Helper()
	for seed := range int64(200) {
		fill := randfill.NewWithSeed(seed).NilChance(.4).NumElements(0, 2).Funcs(
			func(q *resource.Quantity, c randfill.Continue) {
				*q = *resource.NewQuantity(c.Int63n(1000), resource.DecimalSI)
			},
			func(p *intstr.IntOrString, c randfill.Continue) { *p = intstr.FromInt32(c.Int31n(65535) + 1) },
		)
		template := newTemplate()
		fill.Fill(&template.Spec.Template)
		if len(template.Spec.Template.Spec.Containers) == 0 {
			template.Spec.Template.Spec.Containers = []corev1.Container{{Name: "table"}}
		}
		law(t, template)
	}
}

func TestLawInputsAreNeitherChangedNorShared(t *testing.T) {
	forEachTemplate(t, func(t *testing.T, template *v1alpha1.SessionTemplate) {
		s := newSession("a")
		templateBefore, sessionBefore := template.DeepCopy(), s.DeepCopy()
		pod := podspec.For(template, s, 1)
		again := podspec.For(template, s, 1)
		spoil(reflect.ValueOf(pod))
		if diff := cmp.Diff(templateBefore, template); diff != "" {
			t.Fatalf("the template changed with the pod:\n%s", diff)
		}
		if diff := cmp.Diff(sessionBefore, s); diff != "" {
			t.Fatalf("the session changed with the pod:\n%s", diff)
		}
		if diff := cmp.Diff(podspec.For(template, s, 1), again); diff != "" {
			t.Fatalf("the second pod is not the first:\n%s", diff)
		}
	})
}

// 002-16: whatever a template says, a pod has our finalizer from its first moment, so that its end is seen.
func TestLawOursWins(t *testing.T) {
	forEachTemplate(t, func(t *testing.T, template *v1alpha1.SessionTemplate) {
		contradict(&template.Spec.Template)
		pod := podspec.For(template, newSession("a"), 3)

		want := map[string]string{v1alpha1.LabelTemplate: "chess"}
		if diff := cmp.Diff(want, reserved(pod.Labels)); diff != "" {
			t.Fatalf("reserved labels:\n%s", diff)
		}
		want = map[string]string{
			v1alpha1.AnnotationEpoch: "3", v1alpha1.AnnotationMode: "", v1alpha1.AnnotationGeneration: "0", v1alpha1.AnnotationRevision: podspec.Revision(template),
		}
		if diff := cmp.Diff(want, reserved(pod.Annotations)); diff != "" {
			t.Fatalf("reserved annotations:\n%s", diff)
		}
		if pod.Name != "chess.a" || pod.Namespace != "games" || pod.GenerateName != "" {
			t.Fatalf("named %s/%s (%s)", pod.Namespace, pod.Name, pod.GenerateName)
		}
		if pod.Spec.RestartPolicy != corev1.RestartPolicyNever || len(pod.OwnerReferences) != 1 || len(pod.Finalizers) != 1 {
			t.Fatalf("not ours: %s, %v, %v", pod.Spec.RestartPolicy, pod.OwnerReferences, pod.Finalizers)
		}
		for _, c := range append(pod.Spec.InitContainers, pod.Spec.Containers...) {
			oursFirstAndOnce(t, c)
		}
	})
}

// contradict makes a template claim everything that is ours.
func contradict(p *corev1.PodTemplateSpec) {
	claims := map[string]string{v1alpha1.LabelTemplate: "x", v1alpha1.AnnotationEpoch: "99", v1alpha1.LabelComponent: v1alpha1.ComponentGateway}
	p.Labels, p.Annotations = claims, claims
	p.Spec.RestartPolicy = corev1.RestartPolicyAlways
	for _, containers := range [][]corev1.Container{p.Spec.InitContainers, p.Spec.Containers} {
		for i := range containers {
			containers[i].Env = append(containers[i].Env, corev1.EnvVar{Name: v1alpha1.EnvEpoch, Value: "99"})
		}
	}
}

func oursFirstAndOnce(t *testing.T, c corev1.Container) {
	t.Helper()
	ours := []string{v1alpha1.EnvKey, v1alpha1.EnvTemplate, v1alpha1.EnvEpoch, v1alpha1.EnvFence, v1alpha1.EnvPodUID}
	seen := map[string]int{}
	for _, v := range c.Env {
		seen[v.Name]++
	}
	for i, name := range ours {
		if c.Env[i].Name != name || seen[name] != 1 {
			t.Fatalf("environment of container %s: %v", c.Name, c.Env)
		}
	}
	if c.Env[2].Value != "3" {
		t.Fatalf("%s is %s", v1alpha1.EnvEpoch, c.Env[2].Value)
	}
}

func reserved(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		if len(k) > len(v1alpha1.Prefix) && k[:len(v1alpha1.Prefix)] == v1alpha1.Prefix {
			out[k] = v
		}
	}
	return out
}

// spoil changes whatever can be reached from v through pointers, slices and maps.
func spoil(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			spoil(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			spoil(v.Field(i))
		}
	case reflect.Slice:
		for i := range v.Len() {
			spoil(v.Index(i))
		}
	case reflect.Map:
		v.Clear()
	default:
		if v.CanSet() {
			v.SetZero()
		}
	}
}
