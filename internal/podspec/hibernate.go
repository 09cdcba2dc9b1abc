package podspec

import (
	"encoding/json"
	"maps"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Tiers are the resources of a pod's containers, by name.
type Tiers struct {
	Full  map[string]corev1.ResourceRequirements `json:"full"`
	Small map[string]corev1.ResourceRequirements `json:"small"`
}

// tiersFor are those of a template that hibernates; nil if it does not.
func tiersFor(t *v1alpha1.SessionTemplate) *Tiers {
	h := t.Spec.Hibernate
	if h == nil {
		return nil
	}
	tiers := &Tiers{Full: map[string]corev1.ResourceRequirements{}, Small: map[string]corev1.ResourceRequirements{}}
	for _, c := range t.Spec.Template.Spec.Containers {
		tiers.Full[c.Name] = c.Resources
		tiers.Small[c.Name] = corev1.ResourceRequirements{
			Requests: over(c.Resources.Requests, h.Resources.Requests), Limits: over(c.Resources.Limits, h.Resources.Limits),
		}
	}
	return tiers
}

func over(full, small corev1.ResourceList) corev1.ResourceList {
	if len(full)+len(small) == 0 {
		return nil
	}
	out := corev1.ResourceList{}
	maps.Copy(out, full)
	maps.Copy(out, small)
	return out
}

// TiersOf are those of a pod, as was agreed when it was made; nil if it does not hibernate.
func TiersOf(pod *corev1.Pod) *Tiers {
	text, ok := pod.Annotations[v1alpha1.AnnotationSmall]
	tiers := &Tiers{}
	if !ok || json.Unmarshal([]byte(text), tiers) != nil {
		return nil
	}
	return tiers
}

// IsSmall says whether a pod asks for the resources of its small tier, and for others when it is not small.
func IsSmall(pod *corev1.Pod) bool {
	tiers := TiersOf(pod)
	return tiers != nil && !tiers.same() && tiers.fits(pod)
}

func (t *Tiers) same() bool { return equality.Semantic.DeepEqual(t.Full, t.Small) }

func (t *Tiers) fits(pod *corev1.Pod) bool {
	for _, c := range pod.Spec.Containers {
		small := t.Small[c.Name]
		if !includes(c.Resources.Requests, small.Requests) || !includes(c.Resources.Limits, small.Limits) {
			return false
		}
	}
	return true
}

// includes says whether what is asked for has all that is wanted. The API server adds requests where there are only limits.
func includes(asked, want corev1.ResourceList) bool {
	for name, quantity := range want {
		if got, ok := asked[name]; !ok || got.Cmp(quantity) != 0 {
			return false
		}
	}
	return true
}

// KeepsClass says whether a pod of a template has the same quality of service class in both tiers. Kubernetes refuses to change it.
func KeepsClass(t *v1alpha1.SessionTemplate) bool {
	tiers := tiersFor(t)
	return tiers == nil || classOf(tiers.Full) == classOf(tiers.Small)
}

// classOf is the quality of service class of containers with these resources, by the rules of Kubernetes.
func classOf(containers map[string]corev1.ResourceRequirements) corev1.PodQOSClass {
	none, guaranteed := true, true
	for _, c := range containers {
		for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
			request, requested := c.Requests[name]
			limit, limited := c.Limits[name]
			none = none && !requested && !limited
			guaranteed = guaranteed && limited && (!requested || request.Cmp(limit) == 0)
		}
	}
	switch {
	case none:
		return corev1.PodQOSBestEffort
	case guaranteed:
		return corev1.PodQOSGuaranteed
	}
	return corev1.PodQOSBurstable
}
