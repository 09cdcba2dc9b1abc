package access

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// leeway is how far clocks may be apart.
const leeway = 30 * time.Second

// maxSubject bounds a subject: OpenID Connect allows 255 characters.
const maxSubject = 255

// Algorithms are all signatures that are taken: asymmetric ones, so that whoever verifies cannot sign.
var Algorithms = []string{
	"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
}

var tenantPattern = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`)

// IssuerConfig is what NewIssuer needs.
type IssuerConfig struct {
	Issuer     string   // the claim iss
	Audiences  []string // one of which is in the claim aud
	JWKS       string   // a JSON Web Key Set of public keys
	Algorithms []string // empty: all of Algorithms

	SubjectClaim string
	TenantClaim  string // empty: callers have no tenant
	GroupsClaim  string // empty: callers have no groups
}

// Issuer checks the JSON Web Tokens of one issuer. It asks nobody.
type Issuer struct {
	name       string
	config     IssuerConfig
	keys       []jose.JSONWebKey
	algorithms []jose.SignatureAlgorithm
	keyring    keyring // both of them
}

// NewIssuer reads the keys. Its error says for a person what is wrong with them.
func NewIssuer(c IssuerConfig) (*Issuer, error) {
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(c.JWKS), &set); err != nil {
		return nil, fmt.Errorf("issuer %s: jwks: %w", c.Issuer, err)
	}
	if len(set.Keys) == 0 {
		return nil, fmt.Errorf("issuer %s: jwks: it has no key", c.Issuer)
	}
	for i, k := range set.Keys {
		if !k.Valid() || !k.IsPublic() {
			return nil, fmt.Errorf("issuer %s: jwks: key %d is not a public key", c.Issuer, i)
		}
	}
	i := &Issuer{name: c.Issuer, config: c, keys: set.Keys, keyring: keyringOf(c)}
	for _, a := range c.Algorithms {
		if !slices.Contains(Algorithms, a) {
			return nil, fmt.Errorf("issuer %s: algorithm %s is not taken", c.Issuer, a)
		}
	}
	for _, a := range orAll(c.Algorithms) {
		i.algorithms = append(i.algorithms, jose.SignatureAlgorithm(a))
	}
	return i, nil
}

func orAll(algorithms []string) []string {
	if len(algorithms) == 0 {
		return Algorithms
	}
	return algorithms
}

// issuerOf is who a token says has signed it. Nothing is verified yet.
func issuerOf(token string) (string, bool) {
	t, err := jwt.ParseSigned(token, signatures())
	if err != nil {
		return "", false
	}
	var c jwt.Claims
	if err := t.UnsafeClaimsWithoutVerification(&c); err != nil {
		return "", false
	}
	return c.Issuer, true
}

// signatures are all that a token may have which is only read.
func signatures() (all []jose.SignatureAlgorithm) {
	for _, a := range append([]string{"none", "HS256", "HS384", "HS512"}, Algorithms...) {
		all = append(all, jose.SignatureAlgorithm(a))
	}
	return all
}

func (i *Issuer) verify(token string, now time.Time) (Caller, error) {
	body, err := i.signed(token)
	if err != nil {
		return Caller{}, err
	}
	all, until, err := i.good(body, now)
	if err != nil {
		return Caller{}, err
	}
	c, err := i.caller(all)
	c.Until = until
	return c, err
}

// good gives the claims of a token that is signed, and when it is good no longer. Its error says why it is not good now.
func (i *Issuer) good(body json.RawMessage, now time.Time) (all map[string]any, until time.Time, err error) {
	var std jwt.Claims
	if errors.Join(json.Unmarshal(body, &std), json.Unmarshal(body, &all)) != nil {
		return nil, until, invalid("the claims of the token are malformed")
	}
	if std.Expiry == nil {
		return nil, until, invalid("the token does not expire")
	}
	err = std.ValidateWithLeeway(jwt.Expected{Issuer: i.name, AnyAudience: i.config.Audiences, Time: now}, leeway)
	if err != nil {
		return nil, until, invalid("%s", reasonOf(err))
	}
	return all, std.Expiry.Time().Add(leeway), nil
}

// ExpiryOf is when a JSON Web Token says that it ends, of one that somebody else has checked; zero: it does not say it.
func ExpiryOf(token string) time.Time {
	t, err := jwt.ParseSigned(token, signatures())
	if err != nil {
		return time.Time{}
	}
	var c jwt.Claims
	if t.UnsafeClaimsWithoutVerification(&c) != nil || c.Expiry == nil {
		return time.Time{}
	}
	return c.Expiry.Time()
}

// signed are the claims of the token, if one of the keys has signed it.
func (i *Issuer) signed(token string) (body json.RawMessage, err error) {
	t, err := jwt.ParseSigned(token, i.algorithms)
	if err != nil {
		return nil, invalid("the token is not signed with an algorithm that is taken")
	}
	if len(t.Headers) != 1 {
		return nil, invalid("the token has not one signature")
	}
	h := t.Headers[0]
	for _, k := range i.keys {
		if mayHaveSigned(k, h) && t.Claims(k.Key, &body) == nil {
			return body, nil
		}
	}
	return nil, invalid("the token is signed with none of the issuer's keys")
}

// mayHaveSigned is whether a key is the one that a token names, and is for that. A token may name none.
func mayHaveSigned(k jose.JSONWebKey, h jose.Header) bool {
	named := h.KeyID == "" || k.KeyID == "" || h.KeyID == k.KeyID
	return named && (k.Algorithm == "" || k.Algorithm == h.Algorithm) && (k.Use == "" || k.Use == "sig")
}

// reasonOf is what a validation says, in our words.
func reasonOf(err error) string {
	switch {
	case errors.Is(err, jwt.ErrExpired):
		return "the token has expired"
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return "the token is not valid yet"
	case errors.Is(err, jwt.ErrInvalidAudience):
		return "the token is for another audience"
	}
	return "the token is of another issuer"
}

// caller is who the claims speak of. Two issuers may give one subject to two people, so the issuer is a part of it.
func (i *Issuer) caller(claims map[string]any) (Caller, error) {
	subject, _ := claims[i.config.SubjectClaim].(string)
	if subject == "" || len(subject) > maxSubject {
		return Caller{}, invalid("the claim %s is no text of 1 to %d bytes", i.config.SubjectClaim, maxSubject)
	}
	c := Caller{Subject: i.name + "#" + subject, Groups: texts(claims[i.config.GroupsClaim])}
	if i.config.TenantClaim == "" {
		return c, nil
	}
	c.Tenant, _ = claims[i.config.TenantClaim].(string)
	if !tenantPattern.MatchString(c.Tenant) {
		return Caller{}, invalid("the claim %s is no DNS label", i.config.TenantClaim)
	}
	return c, nil
}

// texts are the texts of a list, or the one text.
func texts(claim any) []string {
	if one, ok := claim.(string); ok {
		return []string{one}
	}
	list, _ := claim.([]any)
	var all []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			all = append(all, s)
		}
	}
	return all
}
