package cluster

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"strings"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
	"github.com/dormouse-dev/dormouse/internal/throttle"
)

// callsPerMinute is how often one token of a pod may call.
const callsPerMinute = 120

// reviews says which pod a token is bound to.
type reviews struct {
	*reviewer
	calls throttle.Each[tokenHash]
}

func newReviews(c client.Client, now func() time.Time) *reviews {
	return &reviews{reviewer: newReviewer(c, now)}
}

// pod says whose token it is, which an address has shown, and counts the call.
func (r *reviews) pod(ctx context.Context, token string, from netip.Addr) (sessionapi.Pod, error) {
	hash := tokenHash(sha256.Sum256([]byte(token)))
	v, err := r.review(ctx, token, hash, from)
	if err != nil {
		return sessionapi.Pod{}, err
	}
	pod, ok := podOf(v)
	if !ok {
		return sessionapi.Pod{}, strange()
	}
	if wait := r.calls.Take(hash, callsPerMinute, r.now()); wait > 0 {
		return pod, &answer.Problem{Reason: answer.ReasonTooManyCalls, Limit: "sessionAPI.callsPerMinute", RetryAfter: wait}
	}
	return pod, nil
}

// podOf is the pod that a token is bound to. One of a service account that is bound to no pod is nobody's here.
func podOf(v verdict) (sessionapi.Pod, bool) {
	account, isAccount := strings.CutPrefix(v.user.Username, "system:serviceaccount:")
	namespace, _, _ := strings.Cut(account, ":")
	name, uid := v.user.Extra["authentication.kubernetes.io/pod-name"], v.user.Extra["authentication.kubernetes.io/pod-uid"]
	if !v.good || !isAccount || len(name) != 1 || len(uid) != 1 {
		return sessionapi.Pod{}, false
	}
	return sessionapi.Pod{Namespace: namespace, Name: name[0], UID: uid[0]}, true
}

func strange() error {
	return &answer.Problem{Reason: answer.ReasonUnauthenticated, Detail: "The token is not that of a pod, for the audience " + v1alpha1.TokenAudience + "."}
}
