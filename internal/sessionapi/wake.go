package sessionapi

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

// waits says whether the caller of a wake wants to be told when the session is up.
func waits(r *http.Request) bool { return r.URL.Query().Get("wait") == "true" }

// wake sees to it that a session is wanted: 202 with the session as it is then, or, if it is waited for, 200 when it is up. It makes none.
func (a *API) wake(w http.ResponseWriter, r *http.Request, c call) error {
	t, caller, err := a.permitted(r, c, access.Wake)
	if err == nil {
		err = a.mayWake(r.Context(), t, caller)
	}
	if err != nil {
		return err
	}
	wish := directory.Wish{ID: t.ID, Template: t.Name, Key: t.Key, IdleAfter: t.IdleAfter}
	status := http.StatusAccepted
	if waits(r) {
		status = http.StatusOK
		err = a.await(r.Context(), wish, t.WakeTimeout)
	} else {
		err = a.Sessions.Touch(r.Context(), wish)
	}
	if err != nil {
		return err
	}
	s, err := a.Sessions.Look(r.Context(), t)
	if err != nil {
		return err
	}
	return reply(w, status, s)
}

// mayWake counts the wake of one of whom nothing is known, and sees to it that the session of one who is known is still that which he may wake.
func (a *API) mayWake(ctx context.Context, t *resolve.Target, c access.Caller) error {
	switch {
	case c.Anonymous() && a.AllowWake != nil:
		return a.AllowWake(t)
	case t.Decided != "":
		_, err := a.Sessions.Look(ctx, t)
		return err
	}
	return nil
}

// await waits for a session as long as a request would.
func (a *API) await(ctx context.Context, wish directory.Wish, most time.Duration) error {
	wait, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	err := a.Sessions.Wake(wait, wish)
	var refusal *directory.Refusal
	if err == nil || errors.As(err, &refusal) || wait.Err() == nil {
		return err
	}
	p := &answer.Problem{Reason: answer.ReasonWakeTimeout, Detail: "waited " + most.String()}
	var queued *directory.Queued
	if errors.As(err, &queued) {
		p.Limit = queued.Limit
	}
	return p
}

// sleep lets a session fall asleep before its time: 202 with the session as it is then.
func (a *API) sleep(w http.ResponseWriter, r *http.Request, c call) error {
	t, _, err := a.permitted(r, c, access.Sleep)
	if err != nil {
		return err
	}
	if err := a.Sessions.Sleep(r.Context(), t); err != nil {
		return err
	}
	s, err := a.Sessions.Look(r.Context(), t)
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, s)
}

// end deletes a session: 202, for it goes when its pod has ended and its last sessions are completed.
func (a *API) end(w http.ResponseWriter, r *http.Request, c call) error {
	t, _, err := a.permitted(r, c, access.Delete)
	if err != nil {
		return err
	}
	s, err := a.Sessions.Delete(r.Context(), t, r.URL.Query().Get("uid"))
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, s)
}
