package answer

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/grpc"
)

// Headers of the gateway.
const (
	HeaderReason = "Dormouse-Reason" // on every answer that is not a pod's
)

// documentation has a heading for each reason.
const documentation = "https://github.com/dormouse-dev/dormouse/blob/main/docs/troubleshooting.md#"

// ErrClientGone is a client that does not wait for an answer any more.
var ErrClientGone = errors.New("client is gone")

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

// Code is the HTTP status of the answer.
func (p *Problem) Code() int {
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

// Write gives the problem document.
func (p *Problem) Write(w http.ResponseWriter) {
	body, err := json.Marshal(p.document())
	if err != nil { // strings and numbers only
		panic(err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Code())
	_, _ = w.Write(append(body, '\n'))
}

func (p *Problem) document() document {
	return document{
		Type:       documentation + strings.ToLower(string(p.Reason)),
		Title:      answers[p.Reason].title,
		Status:     p.Code(),
		Detail:     p.Detail,
		Reason:     p.Reason,
		Cause:      p.Cause,
		Limit:      p.Limit,
		Outcome:    p.Outcome,
		RetryAfter: seconds(p.RetryAfter),
	}
}

// Header sets what every form of the answer has.
func (p *Problem) Header(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", negotiated)
	h.Set(HeaderReason, string(p.Reason))
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
	if p.Code() == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", "Bearer")
	}
	if p.Code() == http.StatusMethodNotAllowed && h.Get("Allow") == "" {
		h.Set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")
	}
}

// AnswerGRPC answers a gRPC request by a status. It does nothing if r is none.
func (p *Problem) AnswerGRPC(w http.ResponseWriter, r *http.Request) bool {
	if !grpc.Asked(r) {
		return false
	}
	code, message := grpc.Code(p.Code()), answers[p.Reason].title
	if p.Reason == ReasonTooManyWaiting || p.Reason == ReasonLimitReached {
		code = grpc.ResourceExhausted
	}
	if p.Detail != "" {
		message += " " + p.Detail
	}
	p.Header(w.Header())
	grpc.Refuse(w, r, code, message, p.RetryAfter)
	return true
}

// seconds rounds up: a client that comes a little late is served, one that comes too early is not.
func seconds(d time.Duration) int64 {
	return int64((d + time.Second - 1) / time.Second)
}
