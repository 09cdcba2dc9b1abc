// Package slots holds the limits on how many sessions of a template have a pod at once: who has a place, who waits for one,
// and who shall make room. Who comes first is served first within a tenant, and tenants take turns. It knows nothing of Kubernetes.
package slots

import (
	"sync"
	"time"
)

// ID names something that takes a place.
type ID struct{ Namespace, Name string }

// Limits of a group. One below 1 is none.
type Limits struct {
	Awake          int  // places in all
	Starting       int  // places of those that start
	PerTenant      int  // places of one tenant
	TenantStarting int  // places of those of one tenant that start
	EvictIdle      bool // whether those who have been idle longest make room for those who wait
}

// The names of the limits, as people know them.
const (
	LimitAwake          = "limits.awake"
	LimitStarting       = "limits.starting"
	LimitPerTenant      = "limits.perTenant.awake"
	LimitTenantStarting = "limits.perTenant.starting"
)

// OfStarts says whether a limit bounds only those that start: its places are free in a moment.
func OfStarts(limit string) bool { return limit == LimitStarting || limit == LimitTenantStarting }

// Claim is who asks for a place, in which group, and by which limits: those of the latest claim hold for all.
type Claim struct {
	Of, ID ID
	Tenant string
	Limits Limits
}

// Stage is what the holder of a place does with it.
type Stage int

const (
	// Starting has a pod that starts, or may have one: whoever is not known better is taken for it.
	Starting Stage = iota
	// Serving is published, and may be asked to make room.
	Serving
	// Leaving is about to make room.
	Leaving
	// Staying does neither: nobody knows when it will make room.
	Staying
)

// Holder has its place already.
type Holder struct {
	ID     ID
	Tenant string
}

// Answer is what the limits say to one who asks.
type Answer struct {
	Room  bool   // it has a place, or may take one now
	Limit string // if there is no room: the limit that says so
	Evict bool   // somebody waits, and of those who could make room it has been idle longest
}

// Slots counts places by group. The zero value is empty and ready; it is safe for concurrent use.
type Slots struct {
	// Freed is called, without a lock held, for each ID that has to ask again: it waited and now may take a place, or it has
	// one and shall make room. Whoever was answered otherwise before is told of each such change.
	Freed func(ID)

	mu     sync.Mutex
	groups map[ID]*group
}

// Seed makes sure that a group is known, with its holders of now: those that had their place before this process began.
// It asks for them only once for each group. Until more is said of them they count as starting.
func (s *Slots) Seed(of ID, holders func() ([]Holder, error)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.groups[of] != nil {
		return nil
	}
	known, err := holders()
	if err != nil {
		return err
	}
	g := s.known(of)
	for _, h := range known {
		g.hold(h.ID, h.Tenant, Starting, time.Time{})
	}
	return nil
}

// Ask says whether the claim has room.
func (s *Slots) Ask(c Claim) (answer Answer) {
	s.change(c.Of, func(g *group) {
		g.limits = c.Limits
		answer = g.ask(c.ID, c.Tenant)
	})
	return answer
}

// Take gives the claim a place to start in, and says whether there was one.
func (s *Slots) Take(c Claim) (taken bool) {
	s.change(c.Of, func(g *group) {
		g.limits = c.Limits
		if taken = g.ask(c.ID, c.Tenant).Room; taken {
			g.hold(c.ID, c.Tenant, Starting, time.Time{})
		}
	})
	return taken
}

// Hold gives the claim a place whatever the limits are: it has its pod. Of one that serves, since is when it was needed last.
func (s *Slots) Hold(c Claim, stage Stage, since time.Time) {
	s.change(c.Of, func(g *group) {
		g.limits = c.Limits
		g.hold(c.ID, c.Tenant, stage, since)
	})
}

// Wait puts the claim at the end of its tenant's queue, if it does not stand there. A place that it has is given up, for it has
// no pod.
func (s *Slots) Wait(c Claim) {
	s.change(c.Of, func(g *group) {
		g.limits = c.Limits
		g.drop(c.ID)
		g.line.add(c.ID, c.Tenant)
	})
}

// Free takes a place and a turn in the queue away.
func (s *Slots) Free(of, id ID) {
	if !s.seeded(of) {
		return
	}
	s.change(of, func(g *group) {
		g.drop(id)
		g.line.remove(id)
	})
}

// Waiting is how many wait for a place, in all groups.
func (s *Slots) Waiting() (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.groups {
		n += len(g.line.tenants)
	}
	return n
}

// change makes a change of a group, and calls those for whom it makes a difference.
func (s *Slots) change(of ID, what func(*group)) {
	s.mu.Lock()
	g := s.known(of)
	what(g)
	called := g.calls()
	s.mu.Unlock()
	for _, id := range called {
		s.Freed(id)
	}
}

func (s *Slots) seeded(of ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.groups[of] != nil
}

func (s *Slots) known(of ID) *group {
	if s.groups == nil {
		s.groups = map[ID]*group{}
	}
	if s.groups[of] == nil {
		s.groups[of] = &group{holders: map[ID]holder{}, tenants: map[string]places{}}
	}
	return s.groups[of]
}
