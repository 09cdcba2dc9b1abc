package cluster

import (
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// bucket bounds how often something is done: a minute's worth at once, and then no more than flows in. The zero value is full.
type bucket struct {
	spent float64 // tokens that have not flowed back in yet
	at    time.Time
}

// take takes a token, or says how long it is until there is one.
func (b *bucket) take(perMinute int32, now time.Time) (wait time.Duration) {
	flow := float64(perMinute) / time.Minute.Seconds()
	b.spent = max(0, b.spent-flow*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if missing := b.spent + 1 - float64(perMinute); missing > 0 {
		return time.Duration(missing / flow * float64(time.Second))
	}
	b.spent++
	return 0
}

// hurry is how long it is until this gateway may create another Session of a template. Zero: it may now, and that counts.
func (t *templates) hurry(id directory.ID, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known[id]
	if k == nil || k.perMinute == nil {
		return 0
	}
	return k.creates.take(*k.perMinute, now)
}
