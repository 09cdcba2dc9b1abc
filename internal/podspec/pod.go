package podspec

import (
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// For returns the pod of session s of template t with that epoch. Of the template's metadata only labels and annotations
// count. What is ours (name, owner, finalizer, reserved labels, environment, volumes, restart policy) wins over the template; where
// the template says nothing, the pod gets the defaults that the namespace level "restricted" of Pod Security asks for.
// The Session needs its UID and creation time, so it must have been read from the API server.
func For(t *v1alpha1.SessionTemplate, s *v1alpha1.Session, epoch int64) *corev1.Pod {
	pod := &corev1.Pod{
		ObjectMeta: metadata(t, s, epoch),
		Spec:       *t.Spec.Template.Spec.DeepCopy(),
	}
	pod.Spec.RestartPolicy = corev1.RestartPolicyNever
	setDefault(&pod.Spec.AutomountServiceAccountToken, false)
	// One environment variable per Service of the namespace slows a start down and can hide the template's own.
	setDefault(&pod.Spec.EnableServiceLinks, false)
	restrictPod(&pod.Spec)
	addClaims(&pod.Spec, t, s)
	addInput(pod, s)

	ours := environment(s, epoch)
	for _, containers := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range containers {
			complete(&containers[i], ours, windows(&pod.Spec))
		}
	}
	return pod
}

// Epoch returns the epoch of a pod that For has made, and false if the pod does not carry one.
func Epoch(pod *corev1.Pod) (int64, bool) {
	epoch, err := strconv.ParseInt(pod.Annotations[v1alpha1.AnnotationEpoch], 10, 64)
	return epoch, err == nil && epoch > 0
}

func metadata(t *v1alpha1.SessionTemplate, s *v1alpha1.Session, epoch int64) metav1.ObjectMeta {
	labels := unreserved(t.Spec.Template.Labels)
	labels[v1alpha1.LabelTemplate] = t.Name
	if s.Spec.Tenant != "" {
		labels[v1alpha1.LabelTenant] = s.Spec.Tenant
	}
	annotations := unreserved(t.Spec.Template.Annotations)
	annotations[v1alpha1.AnnotationEpoch] = decimal(epoch)
	agree(annotations, t)
	return metav1.ObjectMeta{
		Name:        s.Name,
		Namespace:   s.Namespace,
		Labels:      labels,
		Annotations: annotations,
		Finalizers:  []string{v1alpha1.Finalizer},
		OwnerReferences: []metav1.OwnerReference{
			*metav1.NewControllerRef(s, v1alpha1.GroupVersion.WithKind("Session")),
		},
	}
}

// unreserved returns a copy of m without the names that are ours. CEL refuses them in a template; a template stored
// before that rule must not pass them on either.
func unreserved(m map[string]string) map[string]string {
	out := make(map[string]string, len(m)+1)
	for name, value := range m {
		if !strings.HasPrefix(name, v1alpha1.Prefix) {
			out[name] = value
		}
	}
	return out
}

func environment(s *v1alpha1.Session, epoch int64) []corev1.EnvVar {
	fence := s.CreationTimestamp.Unix()<<20 + epoch
	env := []corev1.EnvVar{
		// The kubelet expands $(NAME) in a value and reads $$ as one dollar: a key must arrive as it is.
		{Name: v1alpha1.EnvKey, Value: strings.ReplaceAll(s.Spec.Key, "$", "$$")},
		{Name: v1alpha1.EnvTemplate, Value: s.Spec.Template},
		{Name: v1alpha1.EnvEpoch, Value: decimal(epoch)},
		{Name: v1alpha1.EnvFence, Value: decimal(fence)},
		{Name: v1alpha1.EnvPodUID, ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.uid"}}},
	}
	if s.Spec.Tenant != "" {
		env = append(env, corev1.EnvVar{Name: v1alpha1.EnvTenant, Value: s.Spec.Tenant})
	}
	if s.Spec.Input != nil {
		env = append(env, corev1.EnvVar{Name: v1alpha1.EnvInput, Value: v1alpha1.InputFile})
	}
	return env
}

// complete gives a container our environment and the defaults. Ours comes first, so that the template's own variables
// and its command can refer to it as $(SESSION_KEY).
func complete(c *corev1.Container, ours []corev1.EnvVar, windows bool) {
	env := slices.Clone(ours)
	for _, v := range c.Env {
		if !named(ours, v.Name) {
			env = append(env, v)
		}
	}
	c.Env = env
	if c.TerminationMessagePolicy == "" {
		c.TerminationMessagePolicy = corev1.TerminationMessageFallbackToLogsOnError
	}
	restrictContainer(c, windows)
}

func named(env []corev1.EnvVar, name string) bool {
	for _, v := range env {
		if v.Name == name {
			return true
		}
	}
	return false
}

func decimal(n int64) string { return strconv.FormatInt(n, 10) }
