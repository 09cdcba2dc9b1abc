package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// IdleSpec says when a session falls asleep.
// +kubebuilder:validation:XValidation:rule="!has(self.hibernateConnections) || !self.hibernateConnections || self.counts != 'Connections'",message="hibernateConnections: only with counts: Requests or Bytes; with Connections a session with an open WebSocket does not sleep"
type IdleSpec struct {
	// after is how long nobody may need the session until it falls asleep, 1s to 720h.
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be 1s to 720h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	After *metav1.Duration `json:"after,omitempty"`

	// counts says what keeps a session awake, beside requests in flight: Connections (open upgraded connections such as WebSockets
	// do), Bytes (each data frame that goes by on a WebSocket does, in either direction, and all that does on a raw connection; an
	// open one alone does not, and pings do not) or Requests (nothing on an open one does). A WebSocket that does not is closed with
	// 1001 when the session sleeps, and a raw connection is closed.
	// +kubebuilder:default=Connections
	// +optional
	Counts IdleCounts `json:"counts,omitempty"`

	// hibernateConnections keeps a client's WebSocket open at the gateway while the session sleeps, in the place of closing it. The
	// gateway answers pings meanwhile. A data frame of the client wakes the session; that, or anything else that wakes it, opens the
	// pod's side again, and what the client sent is delivered in order. Not with counts: Connections, which never lets it sleep.
	// +optional
	HibernateConnections bool `json:"hibernateConnections,omitempty"`
}

// IdleCounts says what keeps a session awake.
// +kubebuilder:validation:Enum=Requests;Bytes;Connections
type IdleCounts string

const (
	// CountsRequests counts requests in flight, and not open upgraded connections.
	CountsRequests IdleCounts = "Requests"
	// CountsBytes counts requests in flight, and each moment in which a data frame goes by on an open WebSocket, or anything on a raw connection.
	CountsBytes IdleCounts = "Bytes"
	// CountsConnections counts open upgraded connections too.
	CountsConnections IdleCounts = "Connections"
)
