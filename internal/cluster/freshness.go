package cluster

import (
	"sync"
	"time"
)

// freshness is whether this gateway may trust what it remembers. It may not once no renewal of its Lease has succeeded for
// too long, or the watch was silent and a list failed: then a pod's address may belong to somebody else by now.
type freshness struct {
	limit  time.Duration // for the Lease
	now    func() time.Time
	change func(stale bool)

	mu      sync.Mutex
	late    *time.Timer
	renewed time.Time
	blind   bool // the API server did not answer after a silence
}

// renewedAt says that a renewal of the Lease that began at t has succeeded.
func (f *freshness) renewedAt(t time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.renewed = t
	left := t.Add(f.limit).Sub(f.now())
	if f.late == nil {
		f.late = time.AfterFunc(left, f.lapsed)
	}
	f.late.Reset(left)
	f.tell()
}

// reached says whether the API server answered a list.
func (f *freshness) reached(ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blind = !ok
	f.tell()
}

// age is how long ago the last renewal of the Lease began that succeeded. Zero: none has.
func (f *freshness) age() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.renewed.IsZero() {
		return 0
	}
	return f.now().Sub(f.renewed)
}

func (f *freshness) lapsed() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tell()
}

func (f *freshness) tell() {
	f.change(f.blind || !f.now().Before(f.renewed.Add(f.limit)))
}
