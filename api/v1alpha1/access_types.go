package v1alpha1

// Who is a kind of callers. Anyone: whoever comes. Authenticated: whoever a credential says something of. Owner: the one in the
// session's spec.owner, who has made it.
// +kubebuilder:validation:Enum=Anyone;Authenticated;Owner
type Who string

const (
	// WhoAnyone is whoever comes.
	WhoAnyone Who = "Anyone"
	// WhoAuthenticated is whoever a credential says something of.
	WhoAuthenticated Who = "Authenticated"
	// WhoOwner is the one in the session's spec.owner.
	WhoOwner Who = "Owner"
)

// AccessSpec says who may use the sessions of a template, and by which credentials a gateway tells callers apart. A credential that
// was checked is not sent on to the pod.
// +kubebuilder:validation:XValidation:rule="self.use == 'Anyone' || has(self.jwt) && size(self.jwt) > 0 || self.kubernetes || self.capability",message="use: Authenticated and Owner need a way to say who calls: jwt, kubernetes or capability"
type AccessSpec struct {
	// use says whose requests are sent to the pod. Owner also lets those in who have a credential with a right of its own: a capability
	// token, or a Kubernetes token that RBAC allows to connect.
	// +kubebuilder:default=Anyone
	// +optional
	Use Who `json:"use,omitempty"`

	// jwt are the issuers whose JSON Web Tokens are taken, as Authorization: Bearer; at most 4. No issuer is ever asked.
	// +kubebuilder:validation:MaxItems=4
	// +listType=map
	// +listMapKey=issuer
	// +optional
	JWT []JWTIssuer `json:"jwt,omitempty"`

	// kubernetes takes tokens of the cluster with the audience sessions.dormouse.dev, as Authorization: Bearer. Their bearers may do what
	// RBAC allows on sessions: connect (to use, wake and create), update (to let sleep), delete. An answer of the API server holds for a
	// minute at most.
	// +kubebuilder:default=false
	// +optional
	Kubernetes bool `json:"kubernetes"`

	// capability takes tokens that are signed with a key of the gateways, as Authorization: Bearer, as cookie, or as ?dormouse_token= in
	// the URL that a browser opens. Their bearers may do what the token says, to the one session that it names.
	// +kubebuilder:default=false
	// +optional
	Capability bool `json:"capability"`
}

// JWTIssuer is one issuer of JSON Web Tokens.
type JWTIssuer struct {
	// issuer is the claim iss, byte for byte. A caller is called <issuer>#<subject>, as Kubernetes does it.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern=`^[^\s#]+$`
	Issuer string `json:"issuer"`

	// audiences, of which the claim aud has to name one; at most 8.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=253
	// +listType=set
	Audiences []string `json:"audiences"`

	// jwks is a JSON Web Key Set of public keys, at most 64 KiB. Those of a key rotation stand in it side by side.
	// +kubebuilder:validation:MinLength=2
	// +kubebuilder:validation:MaxLength=65536
	JWKS string `json:"jwks"`

	// algorithms of signatures that are taken. Default: all there are. None of them lets one who verifies sign.
	// +kubebuilder:validation:MaxItems=10
	// +listType=set
	// +optional
	Algorithms []JWTAlgorithm `json:"algorithms,omitempty"`

	// subjectClaim is the claim that tells callers apart: a text of 1 to 255 bytes.
	// +kubebuilder:default=sub
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	SubjectClaim string `json:"subjectClaim,omitempty"`

	// tenantClaim is the claim that is the tenant of the sessions that the caller makes: a DNS label. A token without it is not taken.
	// Absent: these callers have no tenant.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=63
	// +optional
	TenantClaim string `json:"tenantClaim,omitempty"`

	// groupsClaim is the claim that has the caller's groups: a list of texts, or one.
	// +kubebuilder:default=groups
	// +kubebuilder:validation:MaxLength=63
	// +optional
	GroupsClaim string `json:"groupsClaim,omitempty"`
}

// JWTAlgorithm is a signature of a JSON Web Token, by the name that RFC 7518 or RFC 8037 gives it.
// +kubebuilder:validation:Enum=RS256;RS384;RS512;PS256;PS384;PS512;ES256;ES384;ES512;EdDSA
type JWTAlgorithm string
