package podspec

import (
	"encoding/json"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// defaultSaveTimeout is that of the API.
const defaultSaveTimeout = 10 * time.Second

// agree writes down what the template says now of how to reach and save the pod. The template may change, or go, while the pod
// runs; the pod does not learn of it.
func agree(annotations map[string]string, t *v1alpha1.SessionTemplate) {
	annotations[v1alpha1.AnnotationMode] = string(t.Spec.Mode)
	annotations[v1alpha1.AnnotationGeneration] = decimal(t.Generation)
	annotations[v1alpha1.AnnotationRevision] = Revision(t)
	if port, ok := Port(t); ok || !Serves(t) {
		annotations[v1alpha1.AnnotationPort] = decimal(int64(port))
	}
	if t.Spec.Protocol == v1alpha1.ProtocolH2C {
		annotations[v1alpha1.AnnotationProtocol] = string(t.Spec.Protocol)
	}
	if tiers := tiersFor(t); tiers != nil {
		text, _ := json.Marshal(tiers) // it came as JSON
		annotations[v1alpha1.AnnotationSmall] = string(text)
	}
	if save := t.Spec.Save; save != nil {
		timeout := defaultSaveTimeout
		if save.Timeout != nil {
			timeout = save.Timeout.Duration
		}
		annotations[v1alpha1.AnnotationSavePath] = save.Path
		annotations[v1alpha1.AnnotationSaveTimeout] = timeout.String()
	}
}

// PortOf returns the port that a pod that For has made serves on, 0 if it serves on none, and false if its template names one
// that it does not have.
func PortOf(pod *corev1.Pod) (int32, bool) {
	port, err := strconv.ParseInt(pod.Annotations[v1alpha1.AnnotationPort], 10, 32)
	return int32(port), err == nil
}

// ProtocolOf returns what the port of a pod that For has made speaks. Empty: HTTP.
func ProtocolOf(pod *corev1.Pod) v1alpha1.Protocol {
	return v1alpha1.Protocol(pod.Annotations[v1alpha1.AnnotationProtocol])
}

// SaveOf returns the path of the save hook of a pod that For has made and how long one save may take, and false if it has none.
func SaveOf(pod *corev1.Pod) (path string, timeout time.Duration, ok bool) {
	path = pod.Annotations[v1alpha1.AnnotationSavePath]
	timeout, err := time.ParseDuration(pod.Annotations[v1alpha1.AnnotationSaveTimeout])
	if err != nil {
		timeout = defaultSaveTimeout
	}
	return path, timeout, path != ""
}
