package gateway

import (
	"context"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

const (
	// lastWord is how long before its drain time-out a gateway refuses those who still wait for a session: they get an answer, and ask
	// another gateway, where they would be cut off else.
	lastWord = time.Second
	// retryElsewhere is when they come back: whoever sends requests to gateways has left this one out for long.
	retryElsewhere = time.Second
	// causeEnding says that it was this gateway that ended, and not the API server that was away.
	causeEnding = "GatewayEnds"
)

// lastCall refuses all who still wait, in time before the drain is over. What it gives takes that back.
func (g *Gateway) lastCall(drain time.Duration) (stop func() bool) {
	return time.AfterFunc(drain-min(lastWord, drain/2), g.turnOut).Stop
}

// waits is the context of one who waits for a session: it ends with his patience, or is cancelled when this gateway ends.
func (g *Gateway) waits(ctx context.Context, patience time.Duration) (context.Context, func()) {
	wait, cancel := context.WithTimeout(ctx, patience)
	stay := context.AfterFunc(g.ending, cancel)
	return wait, func() {
		stay()
		cancel()
	}
}

// turnedOut is what those are told who waited to the end of this gateway.
func turnedOut() *answer.Problem {
	return &answer.Problem{
		Reason: answer.ReasonUnavailable, Cause: causeEnding, Detail: "this gateway ends; another one takes the request",
		Outcome: answer.OutcomeNotSent, RetryAfter: retryElsewhere,
	}
}
