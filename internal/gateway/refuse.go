package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

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

// refused says why a request got no seat: client is the context of the client's connection, and wait ends with the wake's
// time-out.
func refused(client, wait context.Context, t Target, err error) error {
	var p *Problem
	var r *directory.Refusal
	switch {
	case client.Err() != nil:
		return errClientGone
	case errors.As(err, &p):
		return p
	case errors.As(err, &r):
		return refusal(r)
	case wait.Err() != nil && t.Paged && t.Patience < t.WakeTimeout:
		return t.delay(directory.View{Queued: queuedFor(err)})
	case wait.Err() != nil:
		return &Problem{Reason: ReasonWakeTimeout, Detail: "waited " + t.Patience.String() + lastAttempt(err), Limit: queuedFor(err), Outcome: OutcomeNotSent}
	}
	return &Problem{Reason: ReasonUnavailable, Detail: err.Error(), Outcome: OutcomeNotSent}
}

// lastAttempt is what the last attempt to reach the pod met, if there was one.
func lastAttempt(err error) string {
	var n *notOpenError
	if !errors.As(err, &n) {
		return ""
	}
	return "; the pod runs, and the last attempt to reach it met: " + n.last.Error()
}

// queuedFor is the limit in whose queue the session stood to the end, if it did.
func queuedFor(err error) string {
	var q *directory.Queued
	if !errors.As(err, &q) {
		return ""
	}
	return q.Limit
}

func refusal(r *directory.Refusal) *Problem {
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

// timed says in the answer how long the request waited, if it did.
func timed(w http.ResponseWriter, waited time.Duration, err error) error {
	if waited > 0 {
		w.Header().Set(headerServerTiming, serverTiming(waited))
	}
	return err
}

// serverTiming is a metric of the header Server-Timing, in milliseconds.
func serverTiming(d time.Duration) string {
	return "wake;dur=" + strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64)
}
