package admission

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// Authority is what the road asks of the cluster where a decision depends on the session.
type Authority interface {
	// Look says which Session there is, and whose, as of now; the zero Session: there is none. It wakes nothing.
	Look(ctx context.Context, id directory.ID) (access.Session, error)
	// Known is the same, as far as it is known without asking anybody.
	Known(id directory.ID) (s access.Session, known bool)
}

// retryUnverified is when to come again where the cluster did not say who may.
const retryUnverified = time.Second

// Authorize says who sent a request, by the credentials that the target's template takes, and whether that caller may do this
// to the target's session. Its errors are Problems: Unauthenticated, Forbidden and Unavailable.
func (g *Gate) Authorize(r *http.Request, t *resolve.Target, verb access.Verb) (access.Caller, error) {
	c, err := g.identify(r, t, verb)
	if err != nil {
		return access.Caller{}, err
	}
	s, err := g.look(r.Context(), t, c, verb)
	if err != nil {
		return access.Caller{}, err
	}
	t.Decided = s.UID
	return c, Permit(t, c, s, verb)
}

// look asks which Session there is, if that may matter.
func (g *Gate) look(ctx context.Context, t *resolve.Target, c access.Caller, verb access.Verb) (access.Session, error) {
	if verb == access.Create || !access.NeedsSession(t.Access, c, verb) {
		return access.Session{}, nil
	}
	if g.Authority == nil {
		return access.Session{}, &answer.Problem{Reason: answer.ReasonUnavailable, Outcome: answer.OutcomeNotSent}
	}
	s, err := g.Authority.Look(ctx, t.ID)
	if err != nil {
		return access.Session{}, unverified(ctx, err)
	}
	return s, nil
}

// unverified says that whether a caller may is not known, because the cluster did not say.
func unverified(ctx context.Context, err error) error {
	var r *directory.Refusal
	switch {
	case ctx.Err() != nil:
		return answer.ErrClientGone
	case errors.As(err, &r):
		return answer.OfRefusal(r)
	}
	return &answer.Problem{Reason: answer.ReasonUnavailable, Detail: "who may do this cannot be found out now", Outcome: answer.OutcomeNotSent, RetryAfter: retryUnverified}
}

// Permit is the decision, as an answer.
func Permit(t *resolve.Target, c access.Caller, s access.Session, verb access.Verb) error {
	switch access.Decide(t.Access, c, s, verb) {
	case access.Allowed:
		return nil
	case access.Unauthenticated:
		return &answer.Problem{Reason: answer.ReasonUnauthenticated, Detail: "who sends the request is not known, and not anyone may " + string(verb), Outcome: answer.OutcomeNotSent}
	}
	return &answer.Problem{Reason: answer.ReasonForbidden, Detail: "the caller may not " + string(verb), Outcome: answer.OutcomeNotSent}
}
