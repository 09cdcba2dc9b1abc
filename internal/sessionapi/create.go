package sessionapi

import (
	"context"
	"net/http"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// put makes a session: 201 if it was made, 200 if it was there.
func (a *API) put(w http.ResponseWriter, r *http.Request, c call) error {
	var n client.Spec
	if err := readBody(w, r, &n); err != nil {
		return err
	}
	s, made, err := a.create(r.Context(), r, c, n)
	if err != nil {
		return err
	}
	if made {
		return reply(w, http.StatusCreated, s)
	}
	return reply(w, http.StatusOK, s)
}

func (a *API) create(ctx context.Context, r *http.Request, c call, n client.Spec) (s client.Session, made bool, err error) {
	if err := checkNew(&n); err != nil {
		return s, false, err
	}
	t, caller, err := a.permitted(r, c, access.Create)
	if err != nil {
		return s, false, err
	}
	if t.Pattern == nil || !t.Pattern.MatchString(t.Key) {
		return s, false, &answer.Problem{Reason: answer.ReasonKeyRejected}
	}
	if err := contents(t, &n, a.Open); err != nil {
		return s, false, err
	}
	if n.Tenant, err = account(caller, n.Tenant, a.Open); err != nil {
		return s, false, err
	}
	return a.Sessions.Make(ctx, t, n)
}
