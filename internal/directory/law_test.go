package directory_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// history is what a session goes through, version by version.
func history(rt *rapid.T) []directory.View {
	var all []directory.View
	epoch, version := int64(0), uint64(0)
	for range rapid.IntRange(1, 5).Draw(rt, "epochs") {
		epoch++
		version += 2
		all = append(all, awake(version, epoch))
		if rapid.Bool().Draw(rt, "taken back") {
			all = append(all, unpublished(version+1, epoch, unwanted), awake(version+2, epoch))
			version += 2
		}
		version += 2
		all = append(all, unpublished(version, epoch, unwanted))
		if rapid.Bool().Draw(rt, "leaves the sight") {
			version++
			all = append(all, absent(version))
		}
	}
	return all
}

// Whatever the order in which versions come, from the watch and from touches: the newest one that came is what holds, an older
// epoch never comes back, and nothing is left of a session that is out of sight (000-30, 001-11).
func TestVersionsInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		all := history(rt)
		d := &directory.Directory{Now: time.Now}
		var newest directory.View
		for _, v := range rapid.Permutation(all).Draw(rt, "order") {
			if rapid.Bool().Draw(rt, "by a touch") && v.State != directory.Absent {
				waiter := d.Await(directory.Wish{ID: alice})
				d.Touched(alice, v)
				waiter.Done()
			} else {
				d.Apply(alice, v)
			}
			if v.Version > newest.Version {
				newest = v
			}
			visit, ok := d.Enter(alice)
			if ok && visit.Epoch() < newest.Epoch {
				rt.Fatalf("epoch %d after %d", visit.Epoch(), newest.Epoch)
			}
			if absentFirst := newest.State == directory.Absent; ok && (absentFirst || newest.State != directory.Reachable) {
				rt.Fatalf("entered by a version older than %+v", newest)
			}
			if ok {
				visit.Leave()
			}
		}
		d.Apply(alice, absent(newest.Version+1))
		if d.Len() != 0 || d.Unsettled() != 0 {
			rt.Fatalf("%d entries, %d unsettled at the end", d.Len(), d.Unsettled())
		}
	})
}

// model is what must be true of one session, step by step.
type model struct {
	*world
	version uint64
	epoch   int64
	state   directory.View
	visits  []*directory.Visit // of the present epoch
	old     []*directory.Visit
	waiters []*directory.Waiter
}

func (m *model) apply(v directory.View) {
	m.state = v
	m.Apply(alice, v)
	m.Advance(v.Version)
	if v.State == directory.Absent {
		m.old = append(m.old, m.visits...)
		m.visits = nil
	}
}

func (m *model) next() uint64 { m.version++; return m.version }

func (m *model) actions() map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"publish": func(*rapid.T) {
			if m.state.State == directory.Absent {
				m.epoch++
			}
			m.apply(awake(m.next(), m.epoch))
		},
		"unpublish": func(rt *rapid.T) {
			if m.state.State != directory.Reachable {
				rt.Skip("not published")
			}
			m.apply(unpublished(m.next(), m.epoch, unwanted))
		},
		"sleep": func(*rapid.T) { m.apply(absent(m.next())) },
		"touch": func(rt *rapid.T) {
			if m.state.State != directory.Unreachable {
				rt.Skip("not unpublished")
			}
			m.state = unpublished(m.next(), m.epoch, touchedAt(time.Unix(int64(m.version), 0)))
			m.Touched(alice, m.state)
		},
		"fail to touch": func(*rapid.T) { m.Missed(alice) },
		"enter": func(rt *rapid.T) {
			v, ok := m.Enter(alice)
			if ok != (m.state.State == directory.Reachable) {
				rt.Fatalf("Enter = %v in %+v", ok, m.state)
			}
			if ok {
				m.visits = append(m.visits, v)
			}
		},
		"leave":              func(rt *rapid.T) { leave(rt, &m.visits) },
		"leave an ended one": func(rt *rapid.T) { leave(rt, &m.old) },
		"upgrade": func(rt *rapid.T) {
			if len(m.visits) == 0 {
				rt.Skip("nobody is in flight")
			}
			rapid.SampledFrom(m.visits).Draw(rt, "visit").Upgraded()
		},
		"wait": func(*rapid.T) { m.waiters = append(m.waiters, m.Await(directory.Wish{ID: alice})) },
		"wait no more": func(rt *rapid.T) {
			if len(m.waiters) == 0 {
				rt.Skip("nobody waits")
			}
			m.waiters[0].Done()
			m.waiters = m.waiters[1:]
		},
		"": m.check,
	}
}

func leave(rt *rapid.T, visits *[]*directory.Visit) {
	if len(*visits) == 0 {
		rt.Skip("nobody is in flight")
	}
	(*visits)[0].Leave()
	*visits = (*visits)[1:]
}

func (m *model) check(rt *rapid.T) {
	owes := m.state.State == directory.Unreachable && m.state.Unwanted && len(m.visits) > 0
	if owes != (m.Unsettled() == 1) {
		rt.Fatalf("%d unsettled with %d in flight in %+v", m.Unsettled(), len(m.visits), m.state)
	}
	if owes && m.asked() == 0 {
		rt.Fatalf("no touch was asked for")
	}
	_, published := m.Address(pod(m.epoch))
	if published != (m.state.State == directory.Reachable) {
		rt.Fatalf("address %v in %+v", published, m.state)
	}
}

// 004-09, 004-12: whatever is done in whatever order, and however often, a session is found while it is published and no longer.
func TestDirectoryKeepsItsLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := &model{world: newWorld()}
		rt.Repeat(m.actions())
		m.apply(absent(m.next()))
		for _, w := range m.waiters {
			w.Done()
		}
		m.Missed(alice)
		if m.Len() != 0 {
			rt.Fatalf("%d entries are left", m.Len())
		}
	})
}
