package v1alpha1

// IdentitySpec is how a gateway makes sure that it speaks to the pod that it means: each new connection is asked for the pod's UID
// before a request is written to it. Without it, a connection that is opened just after a pod has crashed may reach another pod, one
// that has been given its address within the lag of the gateway's view. It costs each new connection one round trip more.
type IdentitySpec struct {
	// path of a GET request to the port of the session, or to port. A pod answers it from the moment its port is open, with status 200 and its own
	// UID as the body, which is in the environment variable SESSION_POD_UID of its containers; white space around it does not count.
	// The request carries nothing of a client or a session. Pods that run when a template gets this field must answer it already.
	// +kubebuilder:validation:Pattern=`^/[^ ]*$`
	// +kubebuilder:validation:MaxLength=253
	Path string `json:"path"`

	// port of the request, where it is not that of the session: with protocol: TCP, which needs it. The request is made after the raw
	// connection is open and before a byte is written to it.
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=65535
	// +optional
	Port int32 `json:"port,omitempty"`
}
