package slots

import (
	"slices"
	"testing"
	"time"
)

var chess = ID{"games", "chess"}

func table(name string) ID { return ID{"games", "chess." + name} }

// claim is of the tenant that the name begins with.
func claim(name string, l Limits) Claim {
	return Claim{Of: chess, ID: table(name), Tenant: name[:1], Limits: l}
}

// calls are those that were called since they were read last.
type calls []string

func (c *calls) add(id ID) { *c = append(*c, id.Name[len("chess."):]) }

func (c *calls) want(t *testing.T, names ...string) {
	t.Helper()
	if !slices.Equal(*c, names) {
		t.Fatalf("called %v, want %v", *c, names)
	}
	*c = nil
}

func take(t *testing.T, s *Slots, l Limits, names ...string) {
	t.Helper()
	for _, name := range names {
		if !s.Take(claim(name, l)) {
			t.Fatalf("no place for %s", name)
		}
	}
}

func TestFreeCallsTheFirstInTheQueue(t *testing.T) {
	var called calls
	s, l := &Slots{Freed: called.add}, Limits{Awake: 1}
	take(t, s, l, "a1")
	s.Wait(claim("a2", l))
	s.Wait(claim("a3", l))
	called.want(t)
	s.Free(chess, table("a1"))
	called.want(t, "a2")
	if s.Ask(claim("a3", l)).Room {
		t.Error("the second in the queue came before the first")
	}
}

// Tenants take turns, and none of them has more than its own limit (000-43).
func TestTenantsTakeTurns(t *testing.T) {
	var called calls
	s, l := &Slots{Freed: called.add}, Limits{Awake: 3, PerTenant: 2}
	take(t, s, l, "a1", "a2", "b1")
	for _, name := range []string{"a3", "a4", "a5", "b2", "c1"} {
		s.Wait(claim(name, l))
	}
	for name, limit := range map[string]string{"a3": LimitPerTenant, "a9": LimitPerTenant, "b2": LimitAwake, "d1": LimitAwake} {
		if answer := s.Ask(claim(name, l)); answer.Room || answer.Limit != limit {
			t.Errorf("%s is told %+v, want %s", name, answer, limit)
		}
	}
	for _, turn := range []struct{ free, next string }{{"a1", "a3"}, {"b1", "b2"}, {"a2", "c1"}, {"b2", "a4"}} {
		s.Free(chess, table(turn.free))
		called.want(t, turn.next)
		take(t, s, l, turn.next)
	}
}

// Who comes to wait when the queue has just emptied, and a place with it, is called: the other order of the two calls him as well
// (000-46).
func TestNoWakeIsLostBetweenAskAndWait(t *testing.T) {
	var called calls
	s, l := &Slots{Freed: called.add}, Limits{Awake: 1}
	take(t, s, l, "a1")
	if s.Ask(claim("a2", l)).Room {
		t.Fatal("room where there is none")
	}
	s.Free(chess, table("a1")) // after a2 has asked, before it waits
	called.want(t)
	s.Wait(claim("a2", l))
	called.want(t, "a2")
	take(t, s, l, "a2")

	s.Wait(claim("a3", l))
	s.Free(chess, table("a2"))
	called.want(t, "a3")
}

func TestWhoGivesUpLeavesThePlaceToTheNext(t *testing.T) {
	var called calls
	s, l := &Slots{Freed: called.add}, Limits{Awake: 1}
	take(t, s, l, "a1")
	s.Wait(claim("a2", l))
	s.Wait(claim("b1", l))
	s.Free(chess, table("a1"))
	called.want(t, "a2")
	s.Free(chess, table("a2"))
	called.want(t, "b1")
}

// A limit that is raised lets those go on who wait.
func TestRaisedLimitCallsThoseWhoWait(t *testing.T) {
	var called calls
	s, l := &Slots{Freed: called.add}, Limits{Awake: 1}
	take(t, s, l, "a1")
	for _, name := range []string{"a2", "a3", "a4"} {
		s.Wait(claim(name, l))
	}
	l.Awake = 3
	s.Ask(claim("a4", l)) // the first who has heard of it
	called.want(t, "a2", "a3")
	s.Hold(claim("a1", Limits{}), Serving, time.Time{})
	called.want(t, "a4")
}

func TestStartingEndsWithThePublication(t *testing.T) {
	var called calls
	s, l := &Slots{Freed: called.add}, Limits{Awake: 9, Starting: 1}
	take(t, s, l, "a1")
	if answer := s.Ask(claim("a2", l)); answer.Room || answer.Limit != LimitStarting {
		t.Fatalf("told %+v", answer)
	}
	s.Wait(claim("a2", l))
	s.Hold(claim("a1", l), Serving, time.Time{})
	called.want(t, "a2")
	take(t, s, l, "a2")

	s.Hold(claim("a1", l), Staying, time.Time{}) // its pod has ended, and it needs another
	if s.Take(claim("a1", l)) {
		t.Fatal("two start at once")
	}
	s.Wait(claim("a1", l))
	called.want(t)
	s.Hold(claim("a2", l), Serving, time.Time{})
	called.want(t, "a1")
}

// A tenant whose starts are as many as they may be waits for them, and nobody else does; no session makes room for that (000-43).
func TestTenantsStartApart(t *testing.T) {
	var called calls
	s, l := &Slots{Freed: called.add}, Limits{Awake: 5, Starting: 2, TenantStarting: 1, EvictIdle: true}
	s.Hold(claim("z1", l), Serving, time.Time{})
	take(t, s, l, "a1")
	s.Wait(claim("a2", l))
	s.Wait(claim("a3", l))
	take(t, s, l, "b1")
	for name, limit := range map[string]string{"a2": LimitTenantStarting, "a9": LimitTenantStarting, "c1": LimitStarting} {
		if answer := s.Ask(claim(name, l)); answer.Room || answer.Limit != limit || !OfStarts(limit) {
			t.Errorf("%s is told %+v, want %s", name, answer, limit)
		}
	}
	called.want(t)
	s.Hold(claim("b1", l), Serving, time.Time{})
	called.want(t) // a start is free, and none of that tenant's
	s.Hold(claim("a1", l), Serving, time.Time{})
	called.want(t, "a2")
	take(t, s, l, "a2")

	s.Hold(claim("a1", l), Staying, time.Time{}) // its pod has ended, and it needs another
	if answer := s.Ask(claim("a1", l)); answer.Room || answer.Limit != LimitTenantStarting {
		t.Errorf("two of one tenant start at once: %+v", answer)
	}
	l.TenantStarting, l.Starting = 3, 3
	if !s.Ask(claim("a1", l)).Room {
		t.Error("a limit that is raised does not hold at once")
	}
	if answer := s.Ask(claim("a9", l)); answer.Limit != LimitAwake || OfStarts(answer.Limit) {
		t.Errorf("with no place at all one is told %+v", answer)
	}
}

// Whoever has been idle longest makes room, one for each who waits, and of his tenant if that is what he waits for (000-56).
func TestLongestIdleMakesRoom(t *testing.T) {
	var called calls
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	s, l := &Slots{Freed: called.add}, Limits{Awake: 4, PerTenant: 2, EvictIdle: true}
	serve := func(name string, minute int) {
		s.Hold(claim(name, l), Serving, noon.Add(time.Duration(minute)*time.Minute))
	}
	serve("b1", 3)
	serve("a1", 4)
	serve("b2", 1)
	serve("c1", 2)
	s.Wait(claim("d1", l))
	called.want(t, "b2")
	serve("b2", 9) // needed again
	called.want(t, "c1")
	s.Hold(claim("c1", l), Leaving, time.Time{})
	called.want(t)
	s.Wait(claim("b3", l))
	called.want(t, "b1")
	if s.Ask(claim("c1", l)).Evict || !s.Ask(claim("b1", l)).Evict {
		t.Error("who makes room is not told so when he asks")
	}
	s.Hold(claim("c1", l), Staying, time.Time{}) // it cannot be saved
	called.want(t, "a1")
	s.Free(chess, table("d1"))
	s.Free(chess, table("b3"))
	if s.Ask(claim("b1", l)).Evict {
		t.Error("room is made for nobody")
	}
}

func TestSeedAsksOnce(t *testing.T) {
	s, asked, l := &Slots{Freed: func(ID) {}}, 0, Limits{Awake: 1}
	s.Free(chess, table("a9")) // of a group that is not known yet
	for range 2 {
		if err := s.Seed(chess, func() ([]Holder, error) { asked++; return []Holder{{table("a1"), "a"}}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 || s.Ask(claim("a2", l)).Room || !s.Ask(claim("a1", l)).Room {
		t.Errorf("asked %d times", asked)
	}
}
