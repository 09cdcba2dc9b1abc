package v1alpha1

// KeySpec says which keys there are.
type KeySpec struct {
	// pattern is the RE2 expression that a whole key must match. A key that does not is 404.
	// +kubebuilder:default="[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Pattern string `json:"pattern,omitempty"`

	// onMissing says what a request for a key without a Session does: Create makes the Session, Reject answers 404.
	// +kubebuilder:default=Reject
	// +optional
	OnMissing MissingPolicy `json:"onMissing,omitempty"`
}

// MissingPolicy says what a request for a key without a Session does.
// +kubebuilder:validation:Enum=Create;Reject
type MissingPolicy string

const (
	// MissingCreate makes the Session.
	MissingCreate MissingPolicy = "Create"
	// MissingReject answers 404.
	MissingReject MissingPolicy = "Reject"
)

// Route finds the key in a request: in its host, its path, a header, a cookie, a parameter of its query, or a claim of its token.
// +kubebuilder:validation:ExactlyOneOf=host;path;header;cookie;query;claim
type Route struct {
	// host is a host name in which one label is {key}, or has it at its beginning, at its end or inside, parted by hyphens:
	// "{key}.chess.example.com", "{key}--chess.example.com", "chess-{key}.example.com". A label has at most 63 characters, the
	// key included.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^([a-z0-9]([-a-z0-9]*[a-z0-9])?\.)*([a-z0-9][-a-z0-9]*-)?\{key\}(-[-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)+$`
	// +optional
	Host string `json:"host,omitempty"`

	// path is a path prefix whose last segment is {key}, such as "/chess/{key}/". The pod sees the path without it, and the
	// prefix in X-Forwarded-Prefix.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^(/\.?[-A-Za-z0-9_~][-A-Za-z0-9._~]*)*/\{key\}/$`
	// +optional
	Path string `json:"path,omitempty"`

	// header is the name of a request header whose value is the key. Underscores are not allowed in it.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?$`
	// +optional
	Header string `json:"header,omitempty"`

	// cookie is the name of a cookie whose value is the key, percent-encoded where it must be. A browser sends it from any page
	// of the site, so a WebSocket that it finds must come from a page of the same host.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?$`
	// +optional
	Cookie string `json:"cookie,omitempty"`

	// query is the name of a parameter of the query whose value is the key, such as "table" in "/?table=42". The pod sees the
	// query as it was sent, with the key in it.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z0-9_]([-A-Za-z0-9_.]*[A-Za-z0-9_])?$`
	// +optional
	Query string `json:"query,omitempty"`

	// claim is the name of a claim whose text is the key, such as sub: of a JSON Web Token in Authorization: Bearer that one of
	// access.jwt has signed, and that is good. It is looked for only where no route of any template finds a key otherwise.
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:MinLength=1
	// +optional
	Claim string `json:"claim,omitempty"`
}
