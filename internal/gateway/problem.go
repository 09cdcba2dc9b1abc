package gateway

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of the gateway.
const (
	headerReason       = "Dormouse-Reason" // on every answer that is not a pod's
	headerWake         = "Dormouse-Wake"   // "no" in a request: do not wake the session for it
	headerServerTiming = "Server-Timing"   // how long a request waited
)

// documentation has a heading for each reason.
const documentation = "https://github.com/dormouse-dev/dormouse/blob/main/docs/troubleshooting.md#"

// errClientGone is a client that does not wait for an answer any more.
var errClientGone = errors.New("client is gone")

// Problem is an answer of the gateway itself. It is an error, so that a step of the road can return it.
type Problem struct {
	Reason     Reason
	Status     int           // zero: the reason's
	Detail     string        // for a person, of this one occurrence
	Cause      string        // one word of the one who refused, such as ImagePullBackOff
	Limit      string        // which one is reached
	Outcome    string        // whether a pod got the request, where that is a question
	RetryAfter time.Duration // zero: not known
	Location   string        // of a redirect
	Cookie     string        // that the client is to have, with its attributes
}

// Error is the reason and the detail.
func (p *Problem) Error() string {
	if p.Detail == "" {
		return string(p.Reason)
	}
	return string(p.Reason) + ": " + p.Detail
}

func (p *Problem) status() int {
	if p.Status != 0 {
		return p.Status
	}
	return answers[p.Reason].status
}

// document is a Problem as RFC 9457 wants it.
type document struct {
	Type       string `json:"type"`
	Title      string `json:"title"`
	Status     int    `json:"status"`
	Detail     string `json:"detail,omitempty"`
	Reason     Reason `json:"reason"`
	Cause      string `json:"cause,omitempty"`
	Limit      string `json:"limit,omitempty"`
	Outcome    string `json:"outcome,omitempty"`
	RetryAfter int64  `json:"retryAfterSeconds,omitempty"`
}

// answer tells the client why it gets no answer of a pod, in the form that it asks for. A client that is gone is told nothing.
func (g *Gateway) answer(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, errClientGone) {
		panic(http.ErrAbortHandler)
	}
	var p *Problem
	if !errors.As(err, &p) {
		p = &Problem{Reason: ReasonInternal}
	}
	if p.answerGRPC(w, r) {
		return
	}
	p.header(w.Header())
	switch formOf(r) {
	case formPage:
		g.showPage(w, r, p)
	default:
		p.write(w)
	}
}

// write gives the problem document.
func (p *Problem) write(w http.ResponseWriter) {
	body, err := json.Marshal(p.document())
	if err != nil { // strings and numbers only
		panic(err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.status())
	_, _ = w.Write(append(body, '\n'))
}

func (p *Problem) document() document {
	return document{
		Type:       documentation + strings.ToLower(string(p.Reason)),
		Title:      answers[p.Reason].title,
		Status:     p.status(),
		Detail:     p.Detail,
		Reason:     p.Reason,
		Cause:      p.Cause,
		Limit:      p.Limit,
		Outcome:    p.Outcome,
		RetryAfter: seconds(p.RetryAfter),
	}
}

func (p *Problem) header(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", negotiated)
	h.Set(headerReason, string(p.Reason))
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds(p.RetryAfter), 10))
	}
	if p.Location != "" {
		h.Set("Location", p.Location)
	}
	if p.Cookie != "" {
		h.Set("Set-Cookie", p.Cookie)
		h.Set("Referrer-Policy", "no-referrer")
	}
	if p.status() == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if p.status() == http.StatusMethodNotAllowed && h.Get("Allow") == "" {
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
}

// seconds rounds up: a client that comes a little late is served, one that comes too early is not.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
