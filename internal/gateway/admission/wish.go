package admission

import (
	"cmp"
	"context"
	"net/http"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// Wish is what the caller wants awake, and may: its error says why not. Whatever is asked here is asked before anything is written.
func (g *Gate) Wish(ctx context.Context, t *resolve.Target) (directory.Wish, error) {
	w := t.Wish()
	if t.Caller.Anonymous() {
		w.Client = t.Client
		return w, g.AllowWake(t)
	}
	w.Owner, w.Tenant = t.Caller.Subject, t.Caller.Tenant
	s, err := g.look(ctx, t, t.Caller, access.Wake)
	if err != nil {
		return w, err
	}
	may := Permit(t, t.Caller, access.Session{}, access.Create)
	if access.NeedsSession(t.Access, t.Caller, access.Wake) && s.UID == "" {
		w.New = true
		return w, may
	}
	w.Create = w.Create && may == nil
	return w, Permit(t, t.Caller, s, access.Wake)
}

// AllowWake is whether one of whom nothing is known may wake the session, and has not woken too many.
func (g *Gate) AllowWake(t *resolve.Target) error {
	if err := Permit(t, t.Caller, access.Session{}, access.Wake); err != nil {
		return err
	}
	if g.WakesPerClient < 0 {
		return nil
	}
	if wait := g.pace.Take(t.Client, cmp.Or(g.WakesPerClient, DefaultWakesPerClient), g.Now()); wait > 0 {
		return &answer.Problem{
			Reason: answer.ReasonLimitReached, Status: http.StatusTooManyRequests, Limit: "gateway.wakesPerClient", RetryAfter: wait, Outcome: answer.OutcomeNotSent,
			Detail: "requests without a credential from this address wake sessions faster than they may",
		}
	}
	return nil
}

// Barred is why the caller may not use the session, as far as that is known without asking anybody. A request that is barred leaves no
// trace in the directory, so it does not keep the session awake.
func (g *Gate) Barred(t *resolve.Target) error {
	if !access.NeedsSession(t.Access, t.Caller, access.Use) || g.Authority == nil {
		return nil
	}
	s, known := g.Authority.Known(t.ID)
	if !known {
		return nil
	}
	return Permit(t, t.Caller, s, access.Use)
}
