package v1alpha1

// PodCalls is what a template says of the calls of its pods.
type PodCalls struct {
	// selfCalls lets the pods of its sessions call the gateway about their own session: say that they are busy, set its alarms, let it
	// sleep. Each container finds a token for it at /var/run/secrets/sessions.dormouse.dev/token, and the address in DORMOUSE_API. The token
	// is good for nothing else.
	// +optional
	SelfCalls bool `json:"selfCalls,omitempty"`
}

// What a pod calls with.
const (
	// TokenAudience is whom a pod's token is for. The API server does not take it for itself.
	TokenAudience = "sessions.dormouse.dev"
	// TokenFile is where the containers of a session find the token, if its template has selfCalls. It is renewed in place: read it for each call.
	TokenFile = "/var/run/secrets/sessions.dormouse.dev/token" //nolint:gosec // a path, no secret
	// EnvAPI is where the Session API is reached, if the template has selfCalls: the URL of the gateways.
	EnvAPI = "DORMOUSE_API"
)

// OwnerPod is the field owner of what a pod says of its own session: its alarms.
const OwnerPod = "dormouse-pod"
