package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"slices"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"golang.org/x/sync/singleflight"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
)

const (
	// verdictFor is how long an answer of the API server holds: a token that was revoked, or a right that was taken, works so long.
	verdictFor = time.Minute
	// mostVerdicts bounds how many answers are remembered.
	mostVerdicts = 10_000
	// reviewTimeout is how long the API server has for its answer.
	reviewTimeout = 5 * time.Second
)

// Tokens checks tokens of the cluster: who has them, and what RBAC lets those do to a session. It asks the API server, and remembers the answer
// for a minute, not the token.
type Tokens struct {
	client client.Client

	reviews *expirable.LRU[tokenHash, review]
	rights  *expirable.LRU[question, bool]
	asking  singleflight.Group
}

type tokenHash [sha256.Size]byte

// review is what the API server said of a token.
type review struct {
	user authenticationv1.UserInfo
	good bool
}

// question is what was asked of RBAC.
type question struct {
	token tokenHash
	at    access.Place
	verb  string
}

var _ access.Cluster = (*Tokens)(nil)

// NewTokens makes Tokens.
func NewTokens(c client.Client) *Tokens {
	return &Tokens{
		client:  c,
		reviews: expirable.NewLRU[tokenHash, review](mostVerdicts, nil, verdictFor),
		rights:  expirable.NewLRU[question, bool](mostVerdicts, nil, verdictFor),
	}
}

// rbacVerbs has the verb of RBAC, on sessions, that each of ours needs.
var rbacVerbs = map[access.Verb]string{
	access.Use: "connect", access.Wake: "connect", access.Create: "connect", access.Look: "connect",
	access.Sleep: "update", access.Delete: "delete",
}

// Verify says who has a token, and what of the verb it may do to the session: all that the same verb of RBAC stands for, or nothing.
func (t *Tokens) Verify(ctx context.Context, token string, at access.Place, verb access.Verb) (access.Caller, error) {
	hash := sha256.Sum256([]byte(token))
	r, err := t.review(ctx, token, hash)
	if err != nil {
		return access.Caller{}, err
	}
	if !r.good {
		return access.Caller{}, &access.InvalidError{Why: "the API server does not know the token, or it is not for the audience " + v1alpha1.TokenAudience}
	}
	q := question{hash, at, rbacVerbs[verb]}
	may, err := t.may(ctx, q, r.user)
	if err != nil {
		return access.Caller{}, err
	}
	return access.Caller{Subject: r.user.Username, Groups: r.user.Groups, Right: rightOf(may, q.verb)}, nil
}

func rightOf(may bool, verb string) *access.Right {
	right := &access.Right{}
	for _, v := range access.Verbs {
		if may && rbacVerbs[v] == verb {
			right.Verbs = append(right.Verbs, v)
		}
	}
	return right
}

// review asks who has the token, once for all who show it meanwhile.
func (t *Tokens) review(ctx context.Context, token string, hash tokenHash) (review, error) {
	if r, ok := t.reviews.Get(hash); ok {
		return r, nil
	}
	return flight(ctx, &t.asking, string(hash[:]), func(ctx context.Context) (review, error) {
		tr := &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{v1alpha1.TokenAudience}}}
		if err := t.client.Create(ctx, tr); err != nil {
			return review{}, refusalOf(fmt.Errorf("review token: %w", err))
		}
		good := tr.Status.Authenticated && tr.Status.User.Username != "" && slices.Contains(tr.Status.Audiences, v1alpha1.TokenAudience)
		r := review{tr.Status.User, good}
		t.reviews.Add(hash, r)
		return r, nil
	})
}

// may asks RBAC, once for all who ask the same meanwhile.
func (t *Tokens) may(ctx context.Context, q question, u authenticationv1.UserInfo) (bool, error) {
	if may, ok := t.rights.Get(q); ok {
		return may, nil
	}
	return flight(ctx, &t.asking, fmt.Sprintf("%x/%s/%s/%s", q.token, q.at.Namespace, q.at.Name, q.verb), func(ctx context.Context) (bool, error) {
		sar := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
			User: u.Username, UID: u.UID, Groups: u.Groups, Extra: extraOf(u),
			ResourceAttributes: &authorizationv1.ResourceAttributes{
				Group: v1alpha1.GroupVersion.Group, Resource: "sessions", Namespace: q.at.Namespace, Name: q.at.Name, Verb: q.verb,
			},
		}}
		if err := t.client.Create(ctx, sar); err != nil {
			return false, refusalOf(fmt.Errorf("review access: %w", err))
		}
		may := sar.Status.Allowed && !sar.Status.Denied
		t.rights.Add(q, may)
		return may, nil
	})
}

func extraOf(u authenticationv1.UserInfo) map[string]authorizationv1.ExtraValue {
	extra := map[string]authorizationv1.ExtraValue{}
	for k, v := range u.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	return extra
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
