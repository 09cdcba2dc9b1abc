package cluster

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

const (
	// answerFor is how long what the API server said is taken for true: a token or a right that was revoked works so long.
	answerFor = time.Minute
	// mostGood and mostBad bound how many answers of a kind are remembered. Bad ones, which anybody can bring about, push out no good one.
	mostGood, mostBad = 10_000, 1_000
)

// answers are what the API server has said to each of many questions: they are taken for true for a minute, and bound how often it is asked. Those that were
// good are remembered for longer, so that it is asked of them again whatever else comes. They are safe for concurrent use.
type answers[Q comparable, A any] struct {
	perMinute int32 // how many questions, whose answers were never good, it is asked

	mu        sync.Mutex
	asked     bucket
	good, bad *simplelru.LRU[Q, answered[A]]
}

type answered[A any] struct {
	said  A
	until time.Time
}

func newAnswers[Q comparable, A any](perMinute int32) *answers[Q, A] {
	a := &answers[Q, A]{perMinute: perMinute}
	a.good, _ = simplelru.NewLRU[Q, answered[A]](mostGood, nil) // their one error is a size below 1
	a.bad, _ = simplelru.NewLRU[Q, answered[A]](mostBad, nil)
	return a
}

// to is the answer to a question, if it is known.
func (a *answers[Q, A]) to(q Q, now time.Time) (said A, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, known := a.good.Get(q)
	if !known {
		last, known = a.bad.Get(q)
	}
	return last.said, known && now.Before(last.until)
}

// wasGood says whether the last answer was, however long ago.
func (a *answers[Q, A]) wasGood(q Q) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.good.Contains(q)
}

// take takes a question out of those that may be asked of whatever is new, or says how long it is until there is one.
func (a *answers[Q, A]) take(now time.Time) (wait time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked.take(a.perMinute, now)
}

// remember notes an answer to what was asked at a time.
func (a *answers[Q, A]) remember(q Q, said A, good bool, asked time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	to, from := a.bad, a.good
	if good {
		to, from = a.good, a.bad
	}
	from.Remove(q)
	to.Add(q, answered[A]{said, asked.Add(answerFor)})
}
