package slots

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// model is the limits as simply as they can be said: one list of those who wait, in the order in which they came, and one of the
// tenants that wait, in the order of their turns.
type model struct {
	limits  Limits
	held    map[string]Stage
	waiting []string
	turns   []string
	called  map[string]bool
}

func tenantOf(name string) string { return name[:1] }

func (m *model) waits(tenant string) (names []string) {
	for _, name := range m.waiting {
		if tenantOf(name) == tenant {
			names = append(names, name)
		}
	}
	return names
}

func (m *model) copied() *model {
	c := &model{limits: m.limits, held: map[string]Stage{}, waiting: slices.Clone(m.waiting), turns: slices.Clone(m.turns)}
	for name, stage := range m.held {
		c.held[name] = stage
	}
	return c
}

// room says whether a tenant may have one place more.
func (m *model) room(tenant string) bool {
	of, starting, both := 0, 0, 0
	for name, stage := range m.held {
		if tenantOf(name) == tenant {
			of++
		}
		if stage == Starting {
			starting++
		}
		if tenantOf(name) == tenant && stage == Starting {
			both++
		}
	}
	l := m.limits
	below := func(limit, places int) bool { return limit < 1 || places < limit }
	return below(l.Awake, len(m.held)) && below(l.Starting, starting) && below(l.PerTenant, of) && below(l.TenantStarting, both)
}

// next are those who may take a place, one after another.
func (m *model) next() (next []string) {
	then := m.copied()
	for {
		at := slices.IndexFunc(then.turns, then.room)
		if at < 0 {
			return next
		}
		first := then.waits(then.turns[at])[0]
		next = append(next, first)
		then.take(first)
	}
}

func (m *model) may(name string) bool {
	stage, held := m.held[name]
	switch {
	case held && stage == Starting:
		return true
	case held:
		starts := m.copied()
		delete(starts.held, name)
		for _, n := range m.next() {
			starts.take(n)
		}
		starts.limits.Awake, starts.limits.PerTenant = 0, 0
		return starts.room(tenantOf(name))
	case slices.Contains(m.waiting, name):
		return slices.Contains(m.next(), name)
	}
	then := m.copied()
	for _, n := range m.next() {
		then.take(n)
	}
	return then.room(tenantOf(name))
}

func (m *model) take(name string) {
	m.held[name] = Starting
	if tenant := tenantOf(name); slices.Contains(m.waiting, name) {
		m.leave(name)
		if at := slices.Index(m.turns, tenant); at >= 0 {
			m.turns = append(slices.Delete(m.turns, at, at+1), tenant)
		}
	}
}

func (m *model) wait(name string) {
	delete(m.held, name)
	if slices.Contains(m.waiting, name) {
		return
	}
	if len(m.waits(tenantOf(name))) == 0 {
		m.turns = append(m.turns, tenantOf(name))
	}
	m.waiting = append(m.waiting, name)
}

func (m *model) leave(name string) {
	m.waiting = slices.DeleteFunc(m.waiting, func(n string) bool { return n == name })
	if len(m.waits(tenantOf(name))) == 0 {
		m.turns = slices.DeleteFunc(m.turns, func(t string) bool { return t == tenantOf(name) })
	}
}

// Whatever is taken, freed, published and waited for, and however limits change, no place is taken beyond them; queues are served
// in their order and tenants in turn; and whoever may go on is called (000-43, 000-46, 000-50, 000-60).
func TestPlacesAreAsInTheModel(t *testing.T) {
	names := []string{"a1", "a2", "a3", "b1", "b2", "c1", "c2"}
	limit := rapid.IntRange(0, 3)
	rapid.Check(t, func(t *rapid.T) {
		m := &model{held: map[string]Stage{}, called: map[string]bool{}}
		s := &Slots{Freed: func(id ID) { m.called[id.Name[len("chess."):]] = true }}
		for range rapid.IntRange(1, 60).Draw(t, "turns") {
			if rapid.IntRange(0, 9).Draw(t, "change") == 0 {
				m.limits = Limits{
					Awake: limit.Draw(t, "awake"), Starting: limit.Draw(t, "starting"),
					PerTenant: limit.Draw(t, "per tenant"), TenantStarting: limit.Draw(t, "starting per tenant"),
				}
			}
			name := rapid.SampledFrom(names).Draw(t, "name")
			c := claim(name, m.limits)
			switch rapid.IntRange(0, 4).Draw(t, "do") {
			case 0:
				s.Free(chess, table(name))
				delete(m.held, name)
				m.leave(name)
			case 1:
				if _, held := m.held[name]; held {
					stage := rapid.SampledFrom([]Stage{Serving, Leaving, Staying}).Draw(t, "stage")
					s.Hold(c, stage, time.Time{})
					m.held[name] = stage
				}
			default:
				turn(t, s, m, name)
			}
			everybodyWhoMayIsCalled(t, s, m)
		}
	})
}

// turn is what an operator does for one that wants a place.
func turn(t *rapid.T, s *Slots, m *model, name string) {
	c, want := claim(name, m.limits), m.may(name)
	if answer := s.Ask(c); answer.Room != want || (answer.Limit == "") != want {
		t.Fatalf("%s is told %+v, want %v; held %v, waiting %v, limits %+v", name, answer, want, m.held, m.waiting, m.limits)
	}
	if _, held := m.held[name]; s.Take(c) {
		if before := m.copied(); !held && !before.room(tenantOf(name)) {
			t.Fatalf("%s has taken a place beyond %+v: held %v", name, m.limits, m.held)
		}
		m.take(name)
		return
	}
	s.Wait(c)
	m.wait(name)
}

// everybodyWhoMayIsCalled holds as soon as one of them has heard of the limits of now.
func everybodyWhoMayIsCalled(t *rapid.T, s *Slots, m *model) {
	s.Ask(claim("d1", m.limits))
	next := m.next()
	for _, name := range next {
		if !m.called[name] {
			t.Fatalf("%s may go on, and nobody tells it; held %v, waiting %v, limits %+v", name, m.held, m.waiting, m.limits)
		}
	}
	for name := range m.called {
		if !slices.Contains(next, name) {
			delete(m.called, name)
		}
	}
}
