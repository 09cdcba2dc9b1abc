package gateway

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// refused says why a request got no seat: client is the context of the client's connection, and wait ends with the wake's
// time-out, or is cancelled when the gateway ends.
func refused(client, wait context.Context, t *resolve.Target, err error) error {
	var p *answer.Problem
	var r *directory.Refusal
	switch {
	case client.Err() != nil:
		return answer.ErrClientGone
	case errors.As(err, &p):
		return p
	case errors.As(err, &r):
		return answer.OfRefusal(r)
	case errors.Is(wait.Err(), context.Canceled): // by nobody else than this gateway
		return turnedOut()
	case wait.Err() != nil && t.Paged && t.Patience < t.WakeTimeout:
		return delayOf(t, directory.View{Queued: queuedFor(err)})
	case wait.Err() != nil:
		return &answer.Problem{Reason: answer.ReasonWakeTimeout, Detail: "waited " + t.Patience.String() + lastAttempt(err), Limit: queuedFor(err), Outcome: answer.OutcomeNotSent}
	}
	return &answer.Problem{Reason: answer.ReasonUnavailable, Detail: err.Error(), Outcome: answer.OutcomeNotSent}
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

// headerServerTiming says how long a request waited.
const headerServerTiming = "Server-Timing"

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
