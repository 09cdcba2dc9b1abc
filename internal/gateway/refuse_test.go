package gateway_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// 000-04, 000-07, 004-10: what is wrong goes to the caller, and no request is dropped without a word.
func TestRefusals(t *testing.T) {
	w := newWorld(t, chess())
	for _, tt := range []struct {
		name   string
		err    error
		status int
		reason answer.Reason
		retry  string
	}{
		{"unknown key", &directory.Refusal{Kind: directory.NotFound, Reason: "x", Message: "y"}, 404, answer.ReasonNotFound, ""},
		{"gone", &directory.Refusal{Kind: directory.Gone, Reason: "x", Message: "y"}, 410, answer.ReasonGone, ""},
		{
			"start failed",
			&directory.Refusal{Kind: directory.StartFailed, Reason: "x", Message: "y", RetryAfter: 3100 * time.Millisecond},
			503, answer.ReasonStartFailed, "4",
		},
		{
			"limit", &directory.Refusal{Kind: directory.LimitReached, Reason: "x", Message: "y", RetryAfter: time.Second},
			503, answer.ReasonLimitReached, "1",
		},
		{
			"too fast", &directory.Refusal{Kind: directory.TooFast, Reason: "x", Message: "y", RetryAfter: 400 * time.Millisecond},
			429, answer.ReasonLimitReached, "1",
		},
		{"API server down", &directory.Refusal{Kind: directory.Unavailable, Reason: "x", Message: "y"}, 503, answer.ReasonUnavailable, ""},
		{"a kind that is not known", &directory.Refusal{Reason: "x", Message: "y"}, 503, answer.ReasonUnavailable, ""},
		{"anything else", errors.New("y"), 503, answer.ReasonUnavailable, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.wakeBy(func(context.Context, directory.Wish) error { return tt.err })
			res, body := w.get("a", "/")
			doc := wantProblem(t, res, body, tt.status, tt.reason)
			if res.Header.Get("Retry-After") != tt.retry {
				t.Errorf("Retry-After is %q", res.Header.Get("Retry-After"))
			}
			if doc["detail"] != "y" || doc["reason"] != string(tt.reason) || doc["status"] != float64(tt.status) || doc["title"] == "" {
				t.Errorf("problem %v", doc)
			}
			var refusal *directory.Refusal
			if errors.As(tt.err, &refusal) && doc["cause"] != "x" {
				t.Errorf("problem %v", doc)
			}
		})
	}
}

// 000-60: a refusal for a limit says which one it is, and when to come again.
func TestLimitIsNamed(t *testing.T) {
	w := newWorld(t, chess())
	w.wakeBy(func(context.Context, directory.Wish) error {
		return &directory.Refusal{Kind: directory.LimitReached, Reason: "limits.sessions", RetryAfter: 10 * time.Second}
	})
	res, body := w.get("b", "/")
	if doc := wantProblem(t, res, body, 503, answer.ReasonLimitReached); doc["limit"] != "limits.sessions" || res.Header.Get("Retry-After") != "10" {
		t.Errorf("problem %v, header %v", doc, res.Header)
	}
}

// One who waited in the queue of a limit to the end is told of which (000-60).
func TestQueueTimeoutNamesTheLimit(t *testing.T) {
	w := newWorld(t, chess(func(t *resolve.Template) { t.WakeTimeout = 50 * time.Millisecond }))
	w.wakeBy(func(ctx context.Context, _ directory.Wish) error {
		<-ctx.Done()
		return &directory.Queued{Limit: "limits.awake", Err: context.Cause(ctx)}
	})
	res, body := w.get("b", "/")
	if doc := wantProblem(t, res, body, 504, answer.ReasonWakeTimeout); doc["limit"] != "limits.awake" {
		t.Errorf("problem %v", doc)
	}
}
