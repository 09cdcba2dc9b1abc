package gateway

import (
	"context"
	"errors"
	"net/http"
	"net/netip"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// ProblemOf is what an error means to a client that asks the gateway itself for something: a Problem, or a *directory.Refusal as one.
// Whatever else it is, is a fault of the gateway, of which nothing is told.
func ProblemOf(err error) *Problem {
	var p *Problem
	var r *directory.Refusal
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &r):
		p = refusal(r)
		p.Outcome = "" // no pod was to get it
		return p
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{Reason: ReasonUnavailable, Detail: "The API server does not answer in time."}
	}
	return &Problem{Reason: ReasonInternal}
}

// Answer tells a client why it does not get what it asked for, as a problem document: see ProblemOf.
func Answer(w http.ResponseWriter, err error) {
	p := ProblemOf(err)
	p.header(w.Header())
	p.write(w)
}

// ClientOf is the address of a client, for counting.
func ClientOf(r *http.Request) netip.Addr { return clientOf(r) }

// Code is the HTTP status of the answer.
func (p *Problem) Code() int { return p.status() }

// RetrySeconds is when to come again, in whole seconds; zero: not known.
func (p *Problem) RetrySeconds() int64 { return seconds(p.RetryAfter) }
