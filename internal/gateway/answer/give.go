package answer

import (
	"context"
	"errors"
	"net/http"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// Of is what an error means to a client that asks the gateway itself for something: a Problem, or a *directory.Refusal as one.
// Whatever else it is, is a fault of the gateway, of which nothing is told.
func Of(err error) *Problem {
	var p *Problem
	var r *directory.Refusal
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &r):
		p = OfRefusal(r)
		p.Outcome = "" // no pod was to get it
		return p
	case errors.Is(err, context.DeadlineExceeded):
		return &Problem{Reason: ReasonUnavailable, Detail: "The API server does not answer in time."}
	}
	return &Problem{Reason: ReasonInternal}
}

// Write tells a client why it does not get what it asked for, as a problem document: see Of.
func Write(w http.ResponseWriter, err error) {
	p := Of(err)
	p.Header(w.Header())
	p.Write(w)
}

// RetrySeconds is when to come again, in whole seconds; zero: not known.
func (p *Problem) RetrySeconds() int64 { return seconds(p.RetryAfter) }

// reasons has the Reason of each kind of refusal.
var reasons = map[directory.RefusalKind]Reason{
	directory.NotFound:     ReasonNotFound,
	directory.Gone:         ReasonGone,
	directory.StartFailed:  ReasonStartFailed,
	directory.Suspended:    ReasonSuspended,
	directory.LimitReached: ReasonLimitReached,
	directory.TooFast:      ReasonLimitReached,
	directory.Unavailable:  ReasonUnavailable,
}

// OfRefusal is what a refusal means to a client that wanted something of a pod.
func OfRefusal(r *directory.Refusal) *Problem {
	reason, ok := reasons[r.Kind]
	if !ok {
		reason = ReasonUnavailable
	}
	p := &Problem{Reason: reason, Cause: r.Reason, Detail: r.Message, Outcome: OutcomeNotSent, RetryAfter: r.RetryAfter}
	if reason == ReasonLimitReached {
		p.Limit = r.Reason
	}
	if r.Kind == directory.TooFast {
		p.Status = http.StatusTooManyRequests
	}
	return p
}
