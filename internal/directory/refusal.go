package directory

import "time"

// RefusalKind is what a refusal means to the one who is refused.
type RefusalKind int

const (
	// NotFound is a key that has no Session, and for which none may be made.
	NotFound RefusalKind = iota + 1
	// Gone is a Session that is being deleted.
	Gone
	// StartFailed is a session that could not start, and is not tried again before RetryAfter.
	StartFailed
	// Suspended is a session that is kept asleep.
	Suspended
	// LimitReached is a Session that a limit or a quota does not allow.
	LimitReached
	// TooFast is a Session that may be made a little later.
	TooFast
	// Unavailable is an API server that does not answer, or a gateway whose view is stale.
	Unavailable
)

// Refusal is why a session cannot be had now.
type Refusal struct {
	Kind       RefusalKind
	Reason     string        // one constant word
	Message    string        // for a person
	RetryAfter time.Duration // when to come back; zero: not known
}

// Queued is the end of a wait for a session that stood in the queue of a limit.
type Queued struct {
	Limit string // its name
	Err   error  // why the wait has ended
}

// Error says what was waited for.
func (q *Queued) Error() string { return "queued, " + q.Limit + " is reached: " + q.Err.Error() }

// Unwrap is why the wait has ended.
func (q *Queued) Unwrap() error { return q.Err }

// Error is the reason and the message.
func (r *Refusal) Error() string {
	if r.Message == "" {
		return r.Reason
	}
	return r.Reason + ": " + r.Message
}
