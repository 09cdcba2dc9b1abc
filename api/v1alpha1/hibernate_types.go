package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// HibernateSpec shrinks a pod in place when nobody has needed it for a while, and gives its resources back with the next request, which
// does not wait for that. It needs Kubernetes 1.33 or later. A session whose workload says Session-Idle-After does not hibernate.
type HibernateSpec struct {
	// after is how long nobody may need the session until it is shrunk, 1s to 720h. Less than idle.after, or it sleeps first.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be 1s to 720h"
	// +kubebuilder:validation:MaxLength=32
	After metav1.Duration `json:"after"`

	// resources that each container has meanwhile, in the place of those of the same name in the pod template. They must not change the
	// pod's quality of service class, which the template's condition Accepted checks.
	Resources HibernateResources `json:"resources"`
}

// HibernateResources are requests and limits of processor time and memory.
type HibernateResources struct {
	// requests by name, such as cpu: 1m.
	// +optional
	Requests corev1.ResourceList `json:"requests,omitempty"`
	// limits by name.
	// +optional
	Limits corev1.ResourceList `json:"limits,omitempty"`
}
