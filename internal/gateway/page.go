package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

const (
	// pagePatience is how long a browser is held before it is shown a page: what comes within it needs none.
	pagePatience = time.Second
	// leastRefresh and mostRefresh are when a page without a script asks again: before the session has been idle for its time.
	leastRefresh, mostRefresh = time.Second, 3 * time.Second
)

// delayed adds to the answer for one who waits in front of a page what is known of the delay.
func (g *Gateway) delayed(t *resolve.Target, err error) error {
	var p *answer.Problem
	if !errors.As(err, &p) || p.Reason != answer.ReasonWaking || g.Await == nil {
		return err
	}
	waiter := g.Await(t.Wish())
	defer waiter.Done()
	view, _ := waiter.Look()
	return delayOf(t, view)
}

// delayOf is why the session is not there yet, as far as a view of it says.
func delayOf(t *resolve.Target, v directory.View) *answer.Problem {
	p := &answer.Problem{Reason: answer.ReasonWaking, Outcome: answer.OutcomeNotSent, RetryAfter: min(max(t.IdleAfter/2, leastRefresh), mostRefresh)}
	switch v.State {
	case directory.Reachable:
		p.Cause = answer.CauseNotOpen
	case directory.Unreachable:
		p.Cause, p.Detail, p.Limit = v.Delay.Reason, v.Delay.For, v.Queued
	}
	return p
}

// showPage answers with a page.
func (g *Gateway) showPage(w http.ResponseWriter, r *http.Request, p *answer.Problem) {
	face := answer.FaceOf(p)
	if face.Waiting {
		face.Progress = ProgressPath + "?of=" + url.QueryEscape(r.RequestURI)
	}
	body, err := g.Pages.HTML(face)
	if err != nil { // a template of ours, and strings and numbers only
		panic(err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Content-Security-Policy", g.Pages.Policy())
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(p.Code())
	_, _ = w.Write(body)
}
