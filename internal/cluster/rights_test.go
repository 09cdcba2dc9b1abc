package cluster

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// rbac is an API server that knows everybody, and lets them do what is theirs: the sessions that begin with their names; root: all.
type rbac struct {
	tokens *Tokens
	now    time.Time
	asked  int // how often RBAC was
}

func newRBAC() *rbac {
	r := &rbac{now: time.Now()}
	answers := interceptor.Funcs{Create: func(_ context.Context, _ client.WithWatch, o client.Object, _ ...client.CreateOption) error {
		switch o := o.(type) {
		case *authenticationv1.TokenReview:
			name, _, _ := strings.Cut(o.Spec.Token, ".")
			o.Status = authenticationv1.TokenReviewStatus{Authenticated: true, Audiences: o.Spec.Audiences, User: authenticationv1.UserInfo{Username: name}}
		case *authorizationv1.SubjectAccessReview:
			r.asked++
			o.Status.Allowed = o.Spec.User == "root" || strings.HasPrefix(o.Spec.ResourceAttributes.Name, o.Spec.User)
		}
		return nil
	}}
	r.tokens = NewTokens(interceptor.NewClient(nil, answers), func() time.Time { return r.now })
	return r
}

// verify shows one of the tokens of a caller for a session, and gives the reason of a refusal.
func (r *rbac) verify(t *testing.T, caller, token, session string) (may bool, refused string) {
	t.Helper()
	claims := base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"` + v1alpha1.TokenAudience + `"}`))
	c, err := r.tokens.Verify(t.Context(), caller+"."+claims+"."+token, access.Place{Namespace: "games", Name: session}, access.Use, netip.Addr{})
	if refusal := (*directory.Refusal)(nil); errors.As(err, &refusal) {
		return false, refusal.Reason
	}
	if err != nil {
		t.Fatal(err)
	}
	return len(c.Right.Verbs) > 0, ""
}

// Whoever asks for ever other sessions, by ever other tokens, has RBAC asked no more often than one caller may. Nobody else pays for it, and what is
// known is answered.
func TestOneCallerAsksNoMoreOfRBAC(t *testing.T) {
	r := newRBAC()
	if may, refused := r.verify(t, "eve", "1", "eve"); !may || refused != "" {
		t.Fatalf("eve may: %v, %s", may, refused)
	}
	refusals := 0
	for i := range 2 * questionsPerCaller {
		may, refused := r.verify(t, "eve", fmt.Sprint(i%2), fmt.Sprint("chess.", i))
		if refused == "gateway.questionsPerCaller" {
			refusals++
		} else if may || refused != "" {
			t.Fatalf("eve may: %v, %s", may, refused)
		}
	}
	const others = 3 // for all sessions, by each of the two tokens, and for eve's own
	if r.asked != questionsPerCaller || refusals != questionsPerCaller+others {
		t.Errorf("RBAC was asked %d times, and %d were refused", r.asked, refusals)
	}
	if may, refused := r.verify(t, "bob", "1", "bob"); !may || refused != "" {
		t.Errorf("bob may: %v, %s", may, refused)
	}
	if may, refused := r.verify(t, "eve", "1", "eve"); !may || refused != "" {
		t.Errorf("eve may still: %v, %s", may, refused)
	}
}

// However many ask, RBAC is asked only so often for what it has not allowed yet; for what it has, it is asked again all the same,
// by a new token too.
func TestAllCallersTogetherAskNoMoreOfRBAC(t *testing.T) {
	r := newRBAC()
	if may, refused := r.verify(t, "bob", "1", "bob"); !may || refused != "" {
		t.Fatalf("bob may: %v, %s", may, refused)
	}
	r.now = r.now.Add(answerFor)
	const callers = 10 // each costs a question for all sessions, and then one for each
	for i := range questionsPerMinute - callers {
		if _, refused := r.verify(t, fmt.Sprint("eve", i%callers), "1", fmt.Sprint("chess.", i)); refused != "" {
			t.Fatalf("question %d: %s", i, refused)
		}
	}
	if _, refused := r.verify(t, "carol", "1", "carol"); refused != "Unavailable" {
		t.Errorf("there is more than all may ask: %q", refused)
	}
	for _, token := range []string{"1", "new"} {
		if may, refused := r.verify(t, "bob", token, "bob"); !may || refused != "" {
			t.Errorf("bob may no more with token %s: %v, %s", token, may, refused)
		}
	}
	if asked := 2 + questionsPerMinute + 2; r.asked != asked {
		t.Errorf("RBAC was asked %d times, not %d", r.asked, asked)
	}
}

// Whoever may do it to all sessions of a namespace costs one question a minute, however many there are. Who may not is asked for each.
func TestOneQuestionForAllSessions(t *testing.T) {
	r := newRBAC()
	for i := range 2 * questionsPerCaller {
		if may, refused := r.verify(t, "root", "1", fmt.Sprint("chess.", i)); !may || refused != "" {
			t.Fatalf("root may: %v, %s", may, refused)
		}
	}
	if r.asked != 1 {
		t.Errorf("RBAC was asked %d times", r.asked)
	}
}
