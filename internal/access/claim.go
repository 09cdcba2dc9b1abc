package access

import (
	"encoding/json"
	"strings"
	"time"
)

// Wanted is a claim of the tokens that a policy takes.
type Wanted struct {
	Policy *Policy // nil: it takes none
	Claim  string
}

// FirstClaim says which of the claims a JSON Web Token has, the first of them, and what it says there, as far as one of the policy's issuers has signed it and
// the token is good. Its errors are ErrStrange, where the token is of none of their issuers, and *InvalidError. Many policies may have an issuer in
// common, and anybody can make up tokens of it: a signature is checked once with the same keys.
func FirstClaim(token string, all []Wanted, now time.Time) (which int, text string, err error) {
	issuer, ok := issuerOf(token)
	if !ok {
		return 0, "", ErrStrange
	}
	checked := checks{}
	err = ErrStrange
	for n, w := range all {
		i := w.Policy.issuer(issuer)
		if i == nil {
			continue
		}
		if text, err = i.claim(checked.of(i, token), w.Claim, now); err == nil {
			return n, text, nil
		}
	}
	return 0, "", err
}

// issuer is the one of that name; nil: there is none.
func (p *Policy) issuer(name string) *Issuer {
	if p == nil {
		return nil
	}
	for _, i := range p.Issuers {
		if i.name == name {
			return i
		}
	}
	return nil
}

// claim is what signed claims say of one.
func (i *Issuer) claim(c check, name string, now time.Time) (string, error) {
	if c.err != nil {
		return "", c.err
	}
	all, _, err := i.good(c.body, now)
	if err != nil {
		return "", err
	}
	if text, _ := all[name].(string); text != "" {
		return text, nil
	}
	return "", invalid("the claim %s is no text", name)
}

// check is what came of checking a signature.
type check struct {
	body json.RawMessage
	err  error
}

// keyring is what a signature is checked with: whose are equal find the same of a token.
type keyring struct{ jwks, algorithms string }

func keyringOf(c IssuerConfig) keyring { return keyring{c.JWKS, strings.Join(c.Algorithms, " ")} }

// checks are those of one token.
type checks map[keyring]check

// of checks the signature of the token with the keys of an issuer, if that was not done.
func (c checks) of(i *Issuer, token string) check {
	if done, ok := c[i.keyring]; ok {
		return done
	}
	body, err := i.signed(token)
	c[i.keyring] = check{body, err}
	return c[i.keyring]
}
