package podspec

import (
	"encoding/json"
	"hash/fnv"
	"strconv"

	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Revision is a hash of what a template says that holds for a pod's whole life. Two templates that differ only in when to sleep, in
// limits or routes have the same.
func Revision(t *v1alpha1.SessionTemplate) string {
	holds := []any{t.Spec.Template, t.Spec.Port, t.Spec.Save, t.Spec.Hibernate, t.Spec.VolumeClaimTemplates}
	if t.Spec.Protocol == v1alpha1.ProtocolH2C { // else as before there was a choice: no pod is outdated by an update of the operator
		holds = append(holds, t.Spec.Protocol)
	}
	if t.Spec.SelfCalls { // those that say nothing of it keep the revision that they had before it could be said
		holds = append(holds, "selfCalls")
	}
	text, err := json.Marshal(holds)
	if err != nil {
		return "" // it came as JSON, and goes as JSON
	}
	sum := fnv.New64a()
	_, _ = sum.Write(text) // a hash never fails
	return strconv.FormatUint(sum.Sum64(), 36)
}

// RevisionOf is the revision of the template that a pod was made of, and its generation.
func RevisionOf(pod *corev1.Pod) (revision string, generation int64) {
	generation, _ = strconv.ParseInt(pod.Annotations[v1alpha1.AnnotationGeneration], 10, 64) // 0: a pod of an older operator
	return pod.Annotations[v1alpha1.AnnotationRevision], generation
}
