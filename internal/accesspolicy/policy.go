// Package accesspolicy reads from a SessionTemplate who may use and wake its sessions: the operator to judge it, and a gateway to hold it.
package accesspolicy

import (
	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
)

var whos = map[v1alpha1.Who]access.Who{
	"":                        access.Anyone,
	v1alpha1.WhoAnyone:        access.Anyone,
	v1alpha1.WhoAuthenticated: access.Authenticated,
	v1alpha1.WhoOwner:         access.Owner,
}

// For is the policy of a template. It is nil if anyone may do everything and no credential is taken. Its error says for a person what of the
// template cannot be followed.
func For(spec *v1alpha1.SessionTemplateSpec) (*access.Policy, error) {
	p := &access.Policy{Wake: who(spec.Wake.By)}
	if a := spec.Access; a != nil {
		p.Use, p.Capability, p.Kubernetes = who(a.Use), a.Capability, a.Kubernetes
		for _, j := range a.JWT {
			issuer, err := access.NewIssuer(configOf(j))
			if err != nil {
				return nil, err
			}
			p.Issuers = append(p.Issuers, issuer)
		}
	}
	if !p.Identifies() && p.Use == access.Anyone && p.Wake == access.Anyone {
		return nil, nil
	}
	return p, nil
}

// who takes for the owner what it does not know: a newer API may have said more.
func who(w v1alpha1.Who) access.Who {
	if known, ok := whos[w]; ok {
		return known
	}
	return access.Owner
}

func configOf(j v1alpha1.JWTIssuer) access.IssuerConfig {
	c := access.IssuerConfig{
		Issuer: j.Issuer, Audiences: j.Audiences, JWKS: j.JWKS,
		SubjectClaim: j.SubjectClaim, TenantClaim: j.TenantClaim, GroupsClaim: j.GroupsClaim,
	}
	if c.SubjectClaim == "" {
		c.SubjectClaim = "sub"
	}
	for _, a := range j.Algorithms {
		c.Algorithms = append(c.Algorithms, string(a))
	}
	return c
}
