package gateway

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/page"
)

const (
	// pagePatience is how long a browser is held before it is shown a page: what comes within it needs none.
	pagePatience = time.Second
	// leastRefresh and mostRefresh are when a page without a script asks again: before the session has been idle for its time.
	leastRefresh, mostRefresh = time.Second, 3 * time.Second
)

// causeNotOpen is a pod that is there and takes no connections yet.
const causeNotOpen = "NotOpen"

// delayed adds to the answer for one who waits in front of a page what is known of the delay.
func (g *Gateway) delayed(t Target, err error) error {
	var p *Problem
	if !errors.As(err, &p) || p.Reason != ReasonWaking || g.Await == nil {
		return err
	}
	waiter := g.Await(t.wish())
	defer waiter.Done()
	view, _ := waiter.Look()
	return t.delay(view)
}

// delay is why the session is not there yet, as far as a view of it says.
func (t Target) delay(v directory.View) *Problem {
	p := &Problem{Reason: ReasonWaking, Outcome: OutcomeNotSent, RetryAfter: min(max(t.IdleAfter/2, leastRefresh), mostRefresh)}
	switch v.State {
	case directory.Reachable:
		p.Cause = causeNotOpen
	case directory.Unreachable:
		p.Cause, p.Detail, p.Limit = v.Delay.Reason, v.Delay.For, v.Queued
	}
	return p
}

// showPage answers with a page.
func (g *Gateway) showPage(w http.ResponseWriter, r *http.Request, p *Problem) {
	face := faceOf(p)
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
	w.WriteHeader(p.status())
	_, _ = w.Write(body)
}

// faceOf is a Problem for a person in front of a browser.
func faceOf(p *Problem) page.Face {
	face := page.Face{
		Title:      titleOf(p),
		Sentence:   answers[p.Reason].title,
		Advice:     adviceOf(p),
		RetryAfter: seconds(p.RetryAfter),
		Waiting:    p.Reason == ReasonWaking,
	}
	details, reason := "Details", string(p.Reason)+" ("+strconv.Itoa(p.status())+")"
	if face.Waiting {
		face.Sentence, details, reason = sentenceOf(p.Cause), "Waits for", ""
	}
	for _, f := range []page.Fact{
		{Name: details, Value: p.Detail},
		{Name: "Cause", Value: causeOf(p)},
		{Name: "Limit", Value: p.Limit},
		{Name: "Reason", Value: reason},
	} {
		told := f.Value == "" || f.Name != details && strings.Contains(p.Detail, f.Value)
		if !told {
			face.Facts = append(face.Facts, f)
		}
	}
	return face
}

// causeOf is the word of the one who refused, or of what is in the way, where that says more than the rest.
func causeOf(p *Problem) string {
	_, tellable := delays[p.Cause]
	switch {
	case p.Reason == ReasonWaking && (!tellable || p.Cause == causeNotOpen || p.Limit != ""):
		return ""
	case p.Cause == string(p.Reason), p.Cause == p.Limit:
		return ""
	}
	return p.Cause
}
