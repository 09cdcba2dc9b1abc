// Package throttle bounds how often something is done for each of many: tenants, or clients. What it remembers is bounded too.
package throttle

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// DefaultMost is how many are remembered. Each takes some 200 bytes.
const DefaultMost = 10_000

// Each has a token bucket for each of many: a minute's worth at once, and then no more than flows in. The zero value is ready to use. It is
// safe for concurrent use.
//
// Only so many are remembered, those who came last. When one is forgotten whose bucket is not full, whoever is new begins with an empty
// bucket until that one would be full again: so coming under ever new names gains nothing.
type Each[K comparable] struct {
	// Most bounds how many are remembered; zero: DefaultMost.
	Most int

	mu      sync.Mutex
	buckets *simplelru.LRU[K, *rate.Limiter]
	lossy   time.Time // until then, somebody's bucket that is not full is forgotten
}

// Take takes a token of one of them, or says how long it is until there is one.
func (e *Each[K]) Take(who K, perMinute int, now time.Time) (wait time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.bucket(who, perMinute, now)
	if b.AllowN(now, 1) {
		return 0
	}
	missing := 1 - b.TokensAt(now)
	return time.Duration(missing / float64(b.Limit()) * float64(time.Second))
}

// Give gives back a token that was taken. To one who was forgotten meanwhile it gives nothing.
func (e *Each[K]) Give(who K, now time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.buckets == nil {
		return
	}
	if b, ok := e.buckets.Peek(who); ok {
		b.AllowN(now, -1)
	}
}

func (e *Each[K]) bucket(who K, perMinute int, now time.Time) *rate.Limiter {
	if e.buckets == nil {
		e.buckets, _ = simplelru.NewLRU[K, *rate.Limiter](e.most(), nil) // its one error is a size below 1
	}
	flow := rate.Limit(float64(perMinute) / time.Minute.Seconds())
	if b, ok := e.buckets.Get(who); ok {
		if b.Burst() != perMinute { // the limit has changed
			b.SetLimitAt(now, flow)
			b.SetBurstAt(now, perMinute)
		}
		return b
	}
	e.makeRoom(now)
	b := rate.NewLimiter(flow, perMinute)
	if now.Before(e.lossy) {
		b.AllowN(now, perMinute)
	}
	e.buckets.Add(who, b)
	return b
}

// makeRoom forgets who came longest ago, if there is no room for another.
func (e *Each[K]) makeRoom(now time.Time) {
	if e.buckets.Len() < e.most() {
		return
	}
	_, b, _ := e.buckets.RemoveOldest()
	missing := float64(b.Burst()) - b.TokensAt(now)
	full := now.Add(time.Duration(missing / float64(b.Limit()) * float64(time.Second)))
	if full.After(e.lossy) {
		e.lossy = full
	}
}

func (e *Each[K]) most() int {
	if e.Most == 0 {
		return DefaultMost
	}
	return e.Most
}
