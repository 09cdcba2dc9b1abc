package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// VolumeClaimTemplate is a claim that each session of a template has of its own. The pod's volume of the same name is the claim.
// +kubebuilder:validation:XValidation:rule="has(self.spec.accessModes) && self.spec.accessModes.size() > 0",message="spec.accessModes: needs at least one"
// +kubebuilder:validation:XValidation:rule="has(self.spec.resources) && has(self.spec.resources.requests) && 'storage' in self.spec.resources.requests",message="spec.resources.requests: needs storage"
type VolumeClaimTemplate struct {
	// metadata of the claim.
	Metadata VolumeClaimMetadata `json:"metadata"`
	// spec of the claim. A change of it is for claims that are made from then on.
	Spec corev1.PersistentVolumeClaimSpec `json:"spec"`
}

// VolumeClaimMetadata names a claim.
type VolumeClaimMetadata struct {
	// name of the volume in the pod, which no volume of the pod template may have. The claim itself is named <name>.<session>.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=63
	Name string `json:"name"`
	// labels of the claim beside ours, at most 16.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('sessions.dormouse.dev/'))",message="the prefix sessions.dormouse.dev/ is reserved"
	// +optional
	Labels map[string]string `json:"labels,omitempty"`
	// annotations of the claim beside ours, at most 16.
	// +kubebuilder:validation:MaxProperties=16
	// +kubebuilder:validation:XValidation:rule="self.all(k, !k.startsWith('sessions.dormouse.dev/'))",message="the prefix sessions.dormouse.dev/ is reserved"
	// +optional
	Annotations map[string]string `json:"annotations,omitempty"`
}

// VolumeRetention says what becomes of a session's claims when the Session is deleted.
// +kubebuilder:validation:Enum=Delete;Retain
type VolumeRetention string

const (
	// VolumesDelete has the claims go with the Session.
	VolumesDelete VolumeRetention = "Delete"
	// VolumesRetain keeps them, for a person to decide.
	VolumesRetain VolumeRetention = "Retain"
)

// VolumeReference is a claim that a published pod of the session had.
type VolumeReference struct {
	// name of the volume in the pod.
	Name string `json:"name"`
	// uid of the claim.
	UID types.UID `json:"uid"`
}
