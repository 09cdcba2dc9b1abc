package access

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// ErrStrange is a credential that is of none of the kinds that a policy takes. It may be the application's own.
var ErrStrange = errors.New("the credential is of no kind that is taken here")

// InvalidError is a credential of a kind that is taken, and that is not good: forged, expired, or for something else.
type InvalidError struct{ Why string }

// Error says why, and nothing of the credential.
func (e *InvalidError) Error() string { return e.Why }

func invalid(format string, args ...any) error { return &InvalidError{fmt.Sprintf(format, args...)} }

// Place is the session that a credential is shown for.
type Place struct{ Namespace, Name string }

// Verifier checks credentials.
type Verifier struct {
	// Now is the clock.
	Now func() time.Time
	// Keys of capability tokens; nil: there are none, and none of the tokens is good.
	Keys *Keys
	// Cluster checks tokens of the cluster; nil: none of them is good.
	Cluster Cluster
	// From is the address that shows the credential, for counting.
	From netip.Addr
}

// Cluster knows the tokens of the cluster's own users, and what they may do there.
type Cluster interface {
	// Verify says who has a token, and with which right; from is the address that shows it. An *InvalidError: the token is not good.
	Verify(ctx context.Context, token string, at Place, verb Verb, from netip.Addr) (Caller, error)
}

// Verify says who the bearer of a token is. Its errors are ErrStrange, *InvalidError, and those of a cluster that cannot be
// asked.
func (v *Verifier) Verify(ctx context.Context, p *Policy, token string, at Place, verb Verb) (Caller, error) {
	if strings.HasPrefix(token, tokenPrefix) {
		if !p.Capability {
			return Caller{}, ErrStrange
		}
		return v.Keys.verify(token, at, v.Now())
	}
	issuer, ok := issuerOf(token)
	if !ok {
		return Caller{}, ErrStrange
	}
	if i := p.issuer(issuer); i != nil {
		return i.verify(token, v.Now())
	}
	if !p.Kubernetes || v.Cluster == nil {
		return Caller{}, ErrStrange
	}
	return v.Cluster.Verify(ctx, token, at, verb, v.From)
}
