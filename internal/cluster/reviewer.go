package cluster

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/singleflight"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/throttle"
)

const (
	// reviewsPerMinute bounds how often the API server is asked of tokens that were never good, whatever comes.
	reviewsPerMinute = 1200
	// newTokensPerClient bounds how many of them one address may show in a minute that turn out not to be good.
	newTokensPerClient = 60
	// reviewTimeout is how long the API server has for its answer.
	reviewTimeout = 5 * time.Second
	// maxClusterToken bounds a token, in bytes.
	maxClusterToken = 16 << 10
)

type tokenHash [sha256.Size]byte

// verdict is what the API server said of a token.
type verdict struct {
	user authenticationv1.UserInfo
	good bool
}

// reviewer says whose tokens are, by the API server's word. It remembers the answer for a minute, by a hash of the token, and bounds how often it asks.
type reviewer struct {
	client client.Client
	now    func() time.Time

	flights   singleflight.Group
	newcomers throttle.Each[netip.Addr]
	verdicts  *answers[tokenHash, verdict]
}

func newReviewer(c client.Client, now func() time.Time) *reviewer {
	return &reviewer{client: c, now: now, verdicts: newAnswers[tokenHash, verdict](reviewsPerMinute)}
}

// review says whose token it is, which an address has shown; the zero address: nobody's. Of one that does not say that it is for us, or says that it
// has expired, the API server is not asked, nor is its earlier word taken. Its errors are *directory.Refusals and the context's.
func (r *reviewer) review(ctx context.Context, token string, hash tokenHash, from netip.Addr) (verdict, error) {
	if !meantForUs(token) || outlived(token, r.now()) {
		return verdict{}, nil
	}
	if v, known := r.verdicts.to(hash, r.now()); known {
		return v, nil
	}
	return flight(ctx, &r.flights, string(hash[:]), func(ctx context.Context) (verdict, error) { return r.ask(ctx, token, hash, from) })
}

// ask asks the API server, and remembers the answer.
func (r *reviewer) ask(ctx context.Context, token string, hash tokenHash, from netip.Addr) (verdict, error) {
	charged, err := r.allow(hash, from)
	if err != nil {
		return verdict{}, err
	}
	began := r.now()
	var tr *authenticationv1.TokenReview
	err = retry(ctx, func() error {
		tr = &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{v1alpha1.TokenAudience}}}
		return r.client.Create(ctx, tr)
	})
	if err != nil {
		return verdict{}, refusalOf(fmt.Errorf("review token: %w", err))
	}
	good := tr.Status.Authenticated && tr.Status.User.Username != "" && slices.Contains(tr.Status.Audiences, v1alpha1.TokenAudience)
	if good && charged { // many people may stand behind one address
		r.newcomers.Give(from, began)
	}
	v := verdict{user: tr.Status.User, good: good}
	r.verdicts.remember(hash, v, good, began)
	return v, nil
}

// allow says whether the API server may be asked, and whether the address is charged for that. A token that was good is asked of again whatever else
// comes.
func (r *reviewer) allow(hash tokenHash, from netip.Addr) (charged bool, err error) {
	if r.verdicts.wasGood(hash) {
		return false, nil
	}
	now := r.now()
	if from.IsValid() {
		if wait := r.newcomers.Take(from, newTokensPerClient, now); wait > 0 {
			return false, &directory.Refusal{
				Kind: directory.TooFast, Reason: "gateway.newTokensPerClient", RetryAfter: wait,
				Message: "this address has shown too many tokens that are new",
			}
		}
	}
	if wait := r.verdicts.take(now); wait > 0 {
		return from.IsValid(), unavailable("Too many tokens are new.")
	}
	return from.IsValid(), nil
}

// meantForUs is whether a token says that it is for us. Whether it is good, the API server alone knows.
func meantForUs(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > maxClusterToken {
		return false
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return false
	}
	var claims struct {
		Audience audience `json:"aud"`
	}
	return json.Unmarshal(body, &claims) == nil && slices.Contains(claims.Audience, v1alpha1.TokenAudience)
}

// outlived is whether a token says that it is good no longer.
func outlived(token string, now time.Time) bool {
	until := access.ExpiryOf(token)
	return !until.IsZero() && !now.Before(until)
}

// audience is a claim that is a text or a list of them.
type audience []string

// UnmarshalJSON takes both.
func (a *audience) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*a = audience{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(a))
}

// flight asks once for all who ask the same meanwhile. It goes on when the context of the one who asked first ends.
func flight[T any](ctx context.Context, group *singleflight.Group, name string, ask func(context.Context) (T, error)) (answer T, err error) {
	asked := group.DoChan(name, func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), reviewTimeout)
		defer cancel()
		return ask(ctx)
	})
	select {
	case <-ctx.Done():
		return answer, context.Cause(ctx)
	case r := <-asked:
		return r.Val.(T), r.Err
	}
}
