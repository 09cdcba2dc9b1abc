package access

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// A claim is a key only of a token that is good, and only if it is a text.
func TestClaim(t *testing.T) {
	p := &Policy{Issuers: []*Issuer{newIssuer(t)}}
	signed := func(c claims) string { return sign(t, c, jose.RS256, first, "") }
	for name, tt := range map[string]struct{ token, claim, want, fails string }{
		"sub":                   {signed(good()), "sub", "alice", ""},
		"another":               {signed(good().with("table", "42 é")), "table", "42 é", ""},
		"that is not there":     {signed(good()), "table", "", "claim table"},
		"that is empty":         {signed(good().with("table", "")), "table", "", "claim table"},
		"that is a number":      {signed(good().with("table", 42)), "table", "", "claim table"},
		"that is a list":        {signed(good().with("table", []string{"42"})), "table", "", "claim table"},
		"of one that expired":   {signed(good().with("exp", now.Add(-time.Minute).Unix())), "sub", "", "has expired"},
		"of another's key":      {sign(t, good(), jose.ES256, unknown, ""), "sub", "", "none of the issuer's keys"},
		"of another issuer":     {signed(good().with("iss", "https://evil.example.com")), "sub", "", ErrStrange.Error()},
		"of what is no token":   {"its.own.token", "sub", "", ErrStrange.Error()},
		"of a capability token": {"dm1.x.y", "sub", "", ErrStrange.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			_, got, err := FirstClaim(tt.token, []Wanted{{p, tt.claim}}, now)
			if got != tt.want || (err == nil) != (tt.fails == "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
	if _, _, err := FirstClaim(signed(good()), []Wanted{{nil, "sub"}}, now); !errors.Is(err, ErrStrange) {
		t.Errorf("without a policy: %v", err)
	}
}

// forger is a key that has signed nothing, and counts how often that was looked for.
type forger struct{ asked int }

func (f *forger) VerifyPayload([]byte, []byte, jose.SignatureAlgorithm) error {
	f.asked++
	return jose.ErrCryptoFailure
}

// A forged token costs one look at its signature for each set of keys, and not for each template that trusts them.
func TestASignatureIsCheckedOnceWithTheSameKeys(t *testing.T) {
	key, other := &forger{}, &forger{}
	var all []Wanted
	for n := range 100 {
		i := newIssuer(t, func(c *IssuerConfig) {
			if n == 50 {
				c.JWKS += "\n"
			}
		})
		i.keys = []jose.JSONWebKey{{Key: key}}
		if n == 50 {
			i.keys = []jose.JSONWebKey{{Key: other}}
		}
		all = append(all, Wanted{&Policy{Issuers: []*Issuer{i}}, "sub"})
	}
	_, text, err := FirstClaim(sign(t, good(), jose.RS256, first, ""), all, now)
	if bad := (*InvalidError)(nil); !errors.As(err, &bad) || text != "" {
		t.Errorf("says %q: %v", text, err)
	}
	if key.asked != 1 || other.asked != 1 {
		t.Errorf("the signature was checked %d times, and %d times with other keys", key.asked, other.asked)
	}
}

// The first template has the token whose issuer has signed it, and for whose audience it is, whatever was found of it for those before.
func TestFirstClaim(t *testing.T) {
	theirs := newIssuer(t, func(c *IssuerConfig) { c.Issuer = "https://other.example.com" })
	elsewhere := newIssuer(t, func(c *IssuerConfig) { c.Audiences = []string{"elsewhere"} })
	all := []Wanted{{nil, "sub"}, {&Policy{Issuers: []*Issuer{theirs}}, "sub"}, {&Policy{Issuers: []*Issuer{elsewhere}}, "sub"}}
	token := sign(t, good(), jose.RS256, first, "")
	if _, _, err := FirstClaim(token, all, now); err == nil || !strings.Contains(err.Error(), "another audience") {
		t.Errorf("for nobody: %v", err)
	}
	mine := &Policy{Issuers: []*Issuer{newIssuer(t)}}
	if which, text, err := FirstClaim(token, append(all, Wanted{mine, "org"}, Wanted{mine, "sub"}), now); which != 3 || err != nil {
		t.Errorf("%d, %q, %v", which, text, err)
	}
}
