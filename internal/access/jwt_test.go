package access

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

var (
	now     = time.Unix(1_800_000_000, 0)
	first   = newRSA()
	second  = newEC()
	unknown = newEC()
)

func newRSA() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

func newEC() *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return k
}

// keySet is the public halves of the two keys of an issuer that rotates.
func keySet(t *testing.T, more ...jose.JSONWebKey) string {
	t.Helper()
	set := jose.JSONWebKeySet{Keys: append([]jose.JSONWebKey{
		{Key: &first.PublicKey, KeyID: "first", Use: "sig"},
		{Key: &second.PublicKey, KeyID: "second", Algorithm: "ES256"},
	}, more...)}
	b, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func newIssuer(t *testing.T, change ...func(*IssuerConfig)) *Issuer {
	t.Helper()
	c := IssuerConfig{
		Issuer: "https://id.example.com", Audiences: []string{"dormouse", "games"}, JWKS: keySet(t),
		SubjectClaim: "sub", TenantClaim: "org", GroupsClaim: "groups",
	}
	for _, f := range change {
		f(&c)
	}
	i, err := NewIssuer(c)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

type claims map[string]any

func good(change ...string) claims {
	c := claims{
		"iss": "https://id.example.com", "aud": "dormouse", "sub": "alice", "org": "acme", "groups": []string{"players", "admins"},
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for _, name := range change {
		delete(c, name)
	}
	return c
}

func (c claims) with(name string, v any) claims { c[name] = v; return c }

func sign(t *testing.T, c claims, alg jose.SignatureAlgorithm, key any, kid string) string {
	t.Helper()
	o := (&jose.SignerOptions{}).WithType("JWT")
	if kid != "" {
		o = o.WithHeader("kid", kid)
	}
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: key}, o)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := s.Sign(b)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// unsigned is a token that says that it needs no signature.
func unsigned(t *testing.T, c claims, alg, signature string) string {
	t.Helper()
	b, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	enc := base64.RawURLEncoding.EncodeToString
	return enc([]byte(`{"alg":"`+alg+`"}`)) + "." + enc(b) + "." + enc([]byte(signature))
}

// A token is taken from whom it is from, for whom it is for, while it is good.
func TestJWT(t *testing.T) {
	hour := func(n int) int64 { return now.Add(time.Duration(n) * time.Hour).Unix() }
	second := func(n int) int64 { return now.Add(time.Duration(n) * time.Second).Unix() }
	rs := func(c claims) string { return sign(t, c, jose.RS256, first, "first") }
	for name, tt := range map[string]struct {
		token string
		want  string // of why it is not; empty: it is
	}{
		"good":                            {rs(good()), ""},
		"of the second key":               {sign(t, good(), jose.ES256, secondKey(), "second"), ""},
		"without the name of its key":     {sign(t, good(), jose.ES256, secondKey(), ""), ""},
		"one of many audiences":           {rs(good().with("aud", []string{"x", "games"})), ""},
		"expired within the leeway":       {rs(good().with("exp", second(-29))), ""},
		"begins within the leeway":        {rs(good().with("nbf", second(29))), ""},
		"without nbf and iat":             {rs(good("nbf", "iat")), ""},
		"expired":                         {rs(good().with("exp", second(-31))), "has expired"},
		"that never expires":              {rs(good("exp")), "does not expire"},
		"not valid yet":                   {rs(good().with("nbf", second(31))), "not valid yet"},
		"issued in the future":            {rs(good().with("iat", hour(1))), "not valid yet"},
		"for another audience":            {rs(good().with("aud", "other")), "another audience"},
		"for nobody":                      {rs(good("aud")), "another audience"},
		"of another issuer":               {rs(good().with("iss", "https://evil.example.com")), "another issuer"},
		"of another key":                  {sign(t, good(), jose.ES256, unknown, ""), "none of the issuer's keys"},
		"of another key, by a good name":  {sign(t, good(), jose.ES256, unknown, "second"), "none of the issuer's keys"},
		"by the name of another key":      {sign(t, good(), jose.RS256, first, "second"), "none of the issuer's keys"},
		"by the name of no key":           {sign(t, good(), jose.RS256, first, "third"), "none of the issuer's keys"},
		"with none as algorithm":          {unsigned(t, good(), "none", ""), "algorithm"},
		"with NONE as algorithm":          {unsigned(t, good(), "NONE", "x"), "algorithm"},
		"signed with the public key":      {sign(t, good(), jose.HS256, x509.MarshalPKCS1PublicKey(&first.PublicKey), "first"), "algorithm"},
		"truncated":                       {rs(good())[:300], ""},
		"with another claim":              {forged(t, rs(good()), "alice", "bobby"), "none of the issuer's keys"},
		"without a subject":               {rs(good("sub")), "claim sub"},
		"with a number as subject":        {rs(good().with("sub", 42)), "malformed"},
		"with a subject that is too long": {rs(good().with("sub", strings.Repeat("a", 256))), "claim sub"},
		"without a tenant":                {rs(good("org")), "claim org"},
		"with a tenant that is no label":  {rs(good().with("org", "Acme Inc.")), "claim org"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newIssuer(t).verify(tt.token, now)
			var bad *InvalidError
			switch {
			case tt.want == "" && name != "truncated":
				want := Caller{Subject: "https://id.example.com#alice", Tenant: "acme", Groups: []string{"players", "admins"}, Until: ExpiryOf(tt.token).Add(leeway)}
				if err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("got %+v, %v", got, err)
				}
			case !errors.As(err, &bad) || !strings.Contains(bad.Why, tt.want) || got.Known():
				t.Errorf("got %+v, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func secondKey() *ecdsa.PrivateKey { return second }

// forged changes the claims, and leaves the signature.
func forged(t *testing.T, token, from, to string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	b, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	parts[1] = base64.RawURLEncoding.EncodeToString([]byte(strings.ReplaceAll(string(b), from, to)))
	return strings.Join(parts, ".")
}

func TestJWTAlgorithmsOfTheTemplate(t *testing.T) {
	i := newIssuer(t, func(c *IssuerConfig) { c.Algorithms = []string{"RS256"} })
	if _, err := i.verify(sign(t, good(), jose.RS256, first, ""), now); err != nil {
		t.Error(err)
	}
	if c, err := i.verify(sign(t, good(), jose.ES256, second, ""), now); err == nil {
		t.Errorf("got %+v", c)
	}
	if _, err := NewIssuer(IssuerConfig{JWKS: keySet(t), Algorithms: []string{"HS256"}}); err == nil {
		t.Error("HS256 is taken")
	}
}

// A key that is for encryption signs nothing.
func TestJWTKeyForAnotherUse(t *testing.T) {
	enc := jose.JSONWebKey{Key: &unknown.PublicKey, KeyID: "enc", Use: "enc"}
	i := newIssuer(t, func(c *IssuerConfig) { c.JWKS = keySet(t, enc) })
	if c, err := i.verify(sign(t, good(), jose.ES256, unknown, "enc"), now); err == nil {
		t.Errorf("got %+v", c)
	}
}

func TestJWTClaimsOfTheTemplate(t *testing.T) {
	i := newIssuer(t, func(c *IssuerConfig) { c.SubjectClaim, c.TenantClaim, c.GroupsClaim = "email", "", "role" })
	got, err := i.verify(sign(t, good("sub", "org").with("email", "a@b").with("role", "player"), jose.RS256, first, ""), now)
	if want := (Caller{Subject: "https://id.example.com#a@b", Groups: []string{"player"}, Until: now.Add(time.Hour + leeway).Truncate(time.Second)}); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

type cluster func(token string, at Place, verb Verb) (Caller, error)

func (c cluster) Verify(_ context.Context, token string, at Place, verb Verb, _ netip.Addr) (Caller, error) {
	return c(token, at, verb)
}

// Each token goes to the one who can know it, and what nobody here knows is the application's own.
func TestVerifierChooses(t *testing.T) {
	here := Place{"games", "chess.a"}
	keys := &Keys{}
	if err := keys.Set([][]byte{[]byte(strings.Repeat("k", 32))}); err != nil {
		t.Fatal(err)
	}
	ours, err := keys.Sign(Capability{Namespace: "games", Session: "chess.a", Verbs: []Verb{Use}, Expires: now.Add(time.Hour).Unix(), Subject: "carol"})
	if err != nil {
		t.Fatal(err)
	}
	v := &Verifier{Now: func() time.Time { return now }, Keys: keys, Cluster: cluster(func(_ string, at Place, verb Verb) (Caller, error) {
		if at != here || verb != Sleep {
			t.Errorf("asked for %s at %+v", verb, at)
		}
		return Caller{Subject: "system:serviceaccount:games:bot"}, nil
	})}
	theirs := sign(t, good(), jose.RS256, first, "first")
	strange := sign(t, good().with("iss", "https://kubernetes.default.svc"), jose.RS256, unknownRSA, "")
	for _, tt := range []struct {
		policy      Policy
		token, want string // empty: strange
	}{
		{Policy{Issuers: []*Issuer{newIssuer(t)}}, theirs, "https://id.example.com#alice"},
		{Policy{Issuers: []*Issuer{newIssuer(t)}}, strange, ""},
		{Policy{Issuers: []*Issuer{newIssuer(t)}}, ours, ""},
		{Policy{Capability: true}, ours, "carol"},
		{Policy{Capability: true}, theirs, ""},
		{Policy{Kubernetes: true}, strange, "system:serviceaccount:games:bot"},
		{Policy{Kubernetes: true, Issuers: []*Issuer{newIssuer(t)}}, theirs, "https://id.example.com#alice"},
		{Policy{Kubernetes: true}, "opaque", ""},
		{Policy{Kubernetes: true}, ours, ""},
	} {
		got, err := v.Verify(t.Context(), &tt.policy, tt.token, here, Sleep)
		if got.Subject != tt.want || errors.Is(err, ErrStrange) != (tt.want == "") {
			t.Errorf("%+v %.20s: got %+v, %v, want %q", tt.policy, tt.token, got, err, tt.want)
		}
	}
}

var unknownRSA = newRSA()
