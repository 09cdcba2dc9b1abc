package cluster

import (
	"container/list"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	authenticationv1 "k8s.io/api/authentication/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

const (
	// reviewedFor is how long what the API server said of a token is taken for true.
	reviewedFor = time.Minute
	// mostReviewed bounds for how many tokens that is remembered.
	mostReviewed = 1024
	// reviewsPerMinute bounds how often the API server is asked, whatever comes.
	reviewsPerMinute = 1200
	// callsPerMinute is how often one token may call while it is remembered.
	callsPerMinute = 120
)

// reviews says whose tokens are, by the API server's word, and remembers it by a hash of the token.
type reviews struct {
	client client.Client
	now    func() time.Time

	flights singleflight.Group
	mu      sync.Mutex
	asked   bucket
	known   map[[sha256.Size]byte]*list.Element // of latest
	latest  list.List                           // of *reviewed, the one used last in front
}

// reviewed is what the API server said of a token.
type reviewed struct {
	hash  [sha256.Size]byte
	until time.Time
	pod   sessionapi.Pod
	err   error // of one that is no pod's
	calls bucket
}

// pod says whose token it is.
func (r *reviews) pod(ctx context.Context, token string) (sessionapi.Pod, error) {
	if !meantForUs(token) {
		return sessionapi.Pod{}, strange()
	}
	hash := sha256.Sum256([]byte(token))
	if pod, known, err := r.remembered(hash); known {
		return pod, err
	}
	flight := r.flights.DoChan(string(hash[:]), func() (any, error) {
		return nil, r.review(context.WithoutCancel(ctx), token, hash)
	})
	select {
	case <-ctx.Done():
		return sessionapi.Pod{}, context.Cause(ctx)
	case done := <-flight:
		if done.Err != nil {
			return sessionapi.Pod{}, done.Err
		}
	}
	pod, _, err := r.remembered(hash)
	return pod, err
}

// remembered is what is known of a token, and counts the call.
func (r *reviews) remembered(hash [sha256.Size]byte) (pod sessionapi.Pod, known bool, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.known[hash]
	now := r.now()
	if e == nil || !now.Before(e.Value.(*reviewed).until) {
		return pod, false, strange()
	}
	r.latest.MoveToFront(e)
	v := e.Value.(*reviewed)
	if v.err != nil {
		return pod, true, v.err
	}
	if wait := v.calls.take(callsPerMinute, now); wait > 0 {
		return pod, true, &gateway.Problem{Reason: gateway.ReasonTooManyCalls, Limit: "sessionAPI.callsPerMinute", RetryAfter: wait}
	}
	return v.pod, true, nil
}

// review asks the API server, and remembers the answer.
func (r *reviews) review(ctx context.Context, token string, hash [sha256.Size]byte) error {
	r.mu.Lock()
	wait := r.asked.take(reviewsPerMinute, r.now())
	r.mu.Unlock()
	if wait > 0 {
		return unavailable("Too many tokens are new.")
	}
	ctx, cancel := context.WithTimeout(ctx, touchTimeout)
	defer cancel()
	began := r.now()
	var review *authenticationv1.TokenReview
	err := retry(ctx, func() error {
		review = &authenticationv1.TokenReview{Spec: authenticationv1.TokenReviewSpec{Token: token, Audiences: []string{v1alpha1.TokenAudience}}}
		return r.client.Create(ctx, review)
	})
	if err != nil {
		return refusalOf(fmt.Errorf("review token: %w", err))
	}
	pod, err := podOf(&review.Status)
	r.remember(&reviewed{hash: hash, until: began.Add(reviewedFor), pod: pod, err: err})
	return nil
}

func (r *reviews) remember(v *reviewed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[[sha256.Size]byte]*list.Element{}
	}
	if old := r.known[v.hash]; old != nil {
		v.calls = old.Value.(*reviewed).calls
		r.latest.Remove(old)
	}
	r.known[v.hash] = r.latest.PushFront(v)
	if r.latest.Len() > mostReviewed {
		last := r.latest.Back()
		delete(r.known, last.Value.(*reviewed).hash)
		r.latest.Remove(last)
	}
}

// podOf is the pod that a token is bound to. One of a service account that is bound to no pod is nobody's here.
func podOf(s *authenticationv1.TokenReviewStatus) (sessionapi.Pod, error) {
	account, isAccount := strings.CutPrefix(s.User.Username, "system:serviceaccount:")
	namespace, _, _ := strings.Cut(account, ":")
	name, uid := s.User.Extra["authentication.kubernetes.io/pod-name"], s.User.Extra["authentication.kubernetes.io/pod-uid"]
	if !s.Authenticated || !slices.Contains(s.Audiences, v1alpha1.TokenAudience) || !isAccount || len(name) != 1 || len(uid) != 1 {
		return sessionapi.Pod{}, strange()
	}
	return sessionapi.Pod{Namespace: namespace, Name: name[0], UID: uid[0]}, nil
}

// meantForUs is whether a token says that it is for us, so that the API server is not asked of any other. Whether it is good, it alone knows.
func meantForUs(token string) bool {
	parts := strings.Split(token, ".")
	if len(parts) != 3 || len(token) > 16<<10 {
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

func strange() error {
	return &gateway.Problem{Reason: gateway.ReasonUnauthenticated, Detail: "The token is not that of a pod, for the audience " + v1alpha1.TokenAudience + "."}
}
