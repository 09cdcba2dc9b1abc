package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Endpoint is where a session is served. It is present only while requests may be sent there.
type Endpoint struct {
	// uid of the pod. Connections are pooled and dialled by it, never by the address alone.
	UID types.UID `json:"uid"`
	// address of the pod, an IP.
	Address string `json:"address"`
	// port at that address.
	Port int32 `json:"port"`
	// protocol that the port speaks. Absent: HTTP.
	// +optional
	Protocol Protocol `json:"protocol,omitempty"`
}

// PodReference is the pod that was published last, until it has ended.
type PodReference struct {
	// name of the pod.
	Name string `json:"name"`
	// uid of the pod.
	UID types.UID `json:"uid"`
	// node that it runs on.
	// +optional
	Node string `json:"node,omitempty"`
	// since is when it was published first, by the operator's clock: lifetime.awake counts from then.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`
}
