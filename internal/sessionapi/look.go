package sessionapi

import (
	"net/http"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
)

// look answers what is known of a session, and wakes nothing.
func (a *API) look(w http.ResponseWriter, r *http.Request, c call) error {
	s, err := a.seen(r, c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, s)
}

// explain answers why a session is up, or why it is not there yet.
func (a *API) explain(w http.ResponseWriter, r *http.Request, c call) error {
	s, err := a.seen(r, c)
	if err != nil {
		return err
	}
	return reply(w, http.StatusOK, client.Explanation{Words: words(&s), Session: s})
}

func (a *API) seen(r *http.Request, c call) (client.Session, error) {
	t, _, err := a.permitted(r, c, access.Look)
	if err != nil {
		return client.Session{}, err
	}
	return a.Sessions.Look(r.Context(), t)
}
