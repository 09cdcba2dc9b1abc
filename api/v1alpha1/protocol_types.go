package v1alpha1

// Protocol is what the port of a session speaks.
// +kubebuilder:validation:Enum=HTTP;H2C;TCP
type Protocol string

const (
	// ProtocolHTTP is HTTP/1.1, and what upgrades from it.
	ProtocolHTTP Protocol = "HTTP"
	// ProtocolH2C is HTTP/2 without TLS, with prior knowledge.
	ProtocolH2C Protocol = "H2C"
	// ProtocolTCP is TLS that is passed through, over TCP.
	ProtocolTCP Protocol = "TCP"
)
