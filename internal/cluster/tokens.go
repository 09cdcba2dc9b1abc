package cluster

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/netip"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/throttle"
)

const (
	// questionsPerCaller bounds how often RBAC is asked of one caller in a minute, whatever its tokens.
	questionsPerCaller = 1_200
	// questionsPerMinute bounds how often it is asked for what it has not allowed yet, whoever calls.
	questionsPerMinute = 6_000
)

// Tokens checks tokens of the cluster: who has them, and what RBAC lets those do to a session. It asks the API server, and remembers the answer
// for a minute, not the token: see reviewer. It bounds how often it asks.
type Tokens struct {
	*reviewer
	rights  *answers[question, bool]
	allowed *lru.Cache[grant, struct{}] // by the last answer, however long ago
	asking  singleflight.Group
	askers  throttle.Each[string] // by their names
}

// question is what was asked of RBAC.
type question struct {
	token tokenHash
	grant
}

// grant is what a caller may do, whichever of its tokens it shows: workloads change them each hour.
type grant struct {
	caller string
	at     access.Place // without a name: all sessions of the namespace
	verb   string
}

var _ access.Cluster = (*Tokens)(nil)

// NewTokens makes Tokens. now is the clock.
func NewTokens(c client.Client, now func() time.Time) *Tokens {
	allowed, _ := lru.New[grant, struct{}](mostGood) // its one error is a size below 1
	return &Tokens{reviewer: newReviewer(c, now), rights: newAnswers[question, bool](questionsPerMinute), allowed: allowed}
}

// rbacVerbs has the verb of RBAC, on sessions, that each of ours needs.
var rbacVerbs = map[access.Verb]string{
	access.Use: "connect", access.Wake: "connect", access.Create: "connect", access.Look: "connect",
	access.Sleep: "update", access.Delete: "delete",
}

// Verify says who has a token, and what of the verb it may do to the session: all that the same verb of RBAC stands for, or nothing.
func (t *Tokens) Verify(ctx context.Context, token string, at access.Place, verb access.Verb, from netip.Addr) (access.Caller, error) {
	hash := tokenHash(sha256.Sum256([]byte(token)))
	r, err := t.review(ctx, token, hash, from)
	if err != nil {
		return access.Caller{}, err
	}
	if !r.good {
		return access.Caller{}, &access.InvalidError{Why: "the API server does not know the token, or it is not for the audience " + v1alpha1.TokenAudience}
	}
	q := question{hash, grant{r.user.Username, at, rbacVerbs[verb]}}
	may, err := t.may(ctx, q, r.user)
	if err != nil {
		return access.Caller{}, err
	}
	return access.Caller{Subject: r.user.Username, Groups: r.user.Groups, Until: access.ExpiryOf(token), Right: rightOf(may, q.verb)}, nil
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

// may asks first for all sessions of the namespace: a backend that may do it to all of them costs one question, however many it calls. Whoever was
// let do it to this one is not asked for more.
func (t *Tokens) may(ctx context.Context, q question, u authenticationv1.UserInfo) (bool, error) {
	if !t.allowed.Contains(q.grant) {
		all := q
		all.at.Name = ""
		if may, err := t.allows(ctx, all, u); may || err != nil {
			return may, err
		}
	}
	return t.allows(ctx, q, u)
}

// allows asks RBAC, once for all who ask the same meanwhile.
func (t *Tokens) allows(ctx context.Context, q question, u authenticationv1.UserInfo) (bool, error) {
	if may, known := t.rights.to(q, t.now()); known {
		return may, nil
	}
	return flight(ctx, &t.asking, fmt.Sprintf("%x/%s/%s/%s", q.token, q.at.Namespace, q.at.Name, q.verb), func(ctx context.Context) (bool, error) {
		if err := t.allowQuestion(q.grant); err != nil {
			return false, err
		}
		began := t.now()
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
		t.rights.remember(q, may, may, began)
		t.note(q.grant, may)
		return may, nil
	})
}

func (t *Tokens) note(g grant, may bool) {
	if may {
		t.allowed.Add(g, struct{}{})
	} else {
		t.allowed.Remove(g)
	}
}

// allowQuestion says whether RBAC may be asked of a caller. For what it has allowed it is asked again whatever others ask.
func (t *Tokens) allowQuestion(g grant) error {
	now := t.now()
	if wait := t.askers.Take(g.caller, questionsPerCaller, now); wait > 0 {
		return &directory.Refusal{
			Kind: directory.TooFast, Reason: "gateway.questionsPerCaller", RetryAfter: wait,
			Message: "this caller asks for more sessions in a minute than RBAC is asked of",
		}
	}
	if t.allowed.Contains(g) {
		return nil
	}
	if wait := t.rights.take(now); wait > 0 {
		return unavailable("Too many questions to RBAC are new.")
	}
	return nil
}

func extraOf(u authenticationv1.UserInfo) map[string]authorizationv1.ExtraValue {
	extra := map[string]authorizationv1.ExtraValue{}
	for k, v := range u.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	return extra
}
