package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// retryLimit is what a request is told that meets a limit of which nobody knows when it is free: the count of sessions follows
// within ten seconds.
const retryLimit = 10 * time.Second

// reasons has the Reason of each kind of refusal.
var reasons = map[directory.RefusalKind]Reason{
	directory.NotFound:     ReasonNotFound,
	directory.Gone:         ReasonGone,
	directory.StartFailed:  ReasonStartFailed,
	directory.LimitReached: ReasonLimitReached,
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
		return refusal(t, r)
	case wait.Err() != nil:
		return &Problem{Reason: ReasonWakeTimeout, Detail: "waited " + t.WakeTimeout.String(), Outcome: OutcomeNotSent}
	}
	return &Problem{Reason: ReasonUnavailable, Detail: err.Error(), Outcome: OutcomeNotSent}
}

func refusal(t Target, r *directory.Refusal) error {
	if r.Kind == directory.NotFound && t.Create && t.full() {
		return &Problem{
			Reason: ReasonLimitReached, Limit: "limits.sessions", Outcome: OutcomeNotSent, RetryAfter: retryLimit,
		}
	}
	reason, ok := reasons[r.Kind]
	if !ok {
		reason = ReasonUnavailable
	}
	return &Problem{
		Reason: reason, Cause: r.Reason, Detail: r.Message, Outcome: OutcomeNotSent, RetryAfter: r.RetryAfter,
	}
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
