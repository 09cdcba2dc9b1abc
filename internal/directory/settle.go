package directory

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// sight is how far the gateway has seen, and what it does not vouch for.
type sight struct {
	mu        sync.Mutex
	watermark uint64
	unsettled map[*entry]debt
}

// debt is a session that is unpublished as of a version while it has visits in flight.
type debt struct {
	uid     string
	version uint64
}

// Advance says that every version up to this one has been applied.
func (d *Directory) Advance(version uint64) {
	mark := d.sight.advance(version)
	if !d.strays.Swap(false) {
		return
	}
	for i := range d.shards {
		if d.shards[i].catchUp(mark) {
			d.strays.Store(true)
		}
	}
}

func (s *sight) advance(version uint64) (mark uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watermark = max(s.watermark, version)
	return s.watermark
}

func (s *sight) mark() uint64 { return s.advance(0) }

// Sight is the version up to which the gateway vouches that it has nothing in flight at an unpublished session, and the
// UIDs of the Sessions, at most that many, that it does not vouch for. If there are more, the version holds back.
func (d *Directory) Sight(most int) (watermark uint64, unsettled []string) {
	d.sight.mu.Lock()
	defer d.sight.mu.Unlock()
	debts := make([]debt, 0, len(d.sight.unsettled))
	for _, o := range d.sight.unsettled {
		debts = append(debts, o)
	}
	slices.SortFunc(debts, func(a, b debt) int { return cmp.Compare(a.version, b.version) })
	watermark = d.sight.watermark
	if len(debts) > most {
		watermark = min(watermark, debts[most].version-1)
		debts = debts[:most]
	}
	for _, o := range debts {
		unsettled = append(unsettled, o.uid)
	}
	return watermark, unsettled
}

// Unsettled is the number of sessions that the gateway does not vouch for.
func (d *Directory) Unsettled() int {
	d.sight.mu.Lock()
	defer d.sight.mu.Unlock()
	return len(d.sight.unsettled)
}

// settle brings the list of the unsettled up to date with e.
func (d *Directory) settle(e *entry) {
	now := d.Now()
	owes := e.owes(now)
	if d.sight.note(e, owes) && d.Settled != nil {
		d.Settled()
	}
	if owes && e.view.Forced && !e.view.Deadline.IsZero() {
		d.rest(e, e.view.Deadline.Sub(now))
	}
}

// owes is whether e must be touched, or its visits must end, before the gateway may vouch for its view.
func (e *entry) owes(now time.Time) bool {
	if !e.view.unpublished() || e.inFlight() == 0 {
		return false
	}
	return !e.view.Forced || e.view.Deadline.IsZero() || now.Before(e.view.Deadline)
}

// note writes down whether e owes something, and reports whether it was just settled.
func (s *sight) note(e *entry, owes bool) (settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsettled == nil {
		s.unsettled = map[*entry]debt{}
	}
	_, listed := s.unsettled[e]
	if !owes {
		delete(s.unsettled, e)
		return listed
	}
	if !listed {
		s.unsettled[e] = debt{uid: e.uid, version: e.view.Version}
	}
	return false
}
