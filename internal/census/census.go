// Package census holds how many sessions a template may have, in all and of one tenant: who is within these numbers, and who is beyond
// them. Those who have begun come first and are never beyond; of the others the older comes before the younger, and of two of one
// second the one whose name comes first. One beyond the limit of its tenant takes no place of the others. It knows nothing of
// Kubernetes, and of a template without such a limit it holds nothing.
package census

import (
	"math"
	"sync"
)

// The names of the limits, as people know them.
const (
	LimitSessions       = "limits.sessions"
	LimitTenantSessions = "limits.perTenant.sessions"
)

// Limits of a template.
type Limits struct {
	All       int // sessions in all
	PerTenant int // sessions of one tenant
}

// Unlimited is a limit that there is not.
const Unlimited = math.MaxInt

// ID names a session or a template.
type ID struct{ Namespace, Name string }

// Member is one session.
type Member struct {
	ID     ID
	UID    string
	Tenant string
	Born   int64 // when it was made, in seconds
	In     bool  // it has begun
}

// before says whether a member comes before another, if neither has begun.
func (m *Member) before(o *Member) bool {
	if m.Born != o.Born {
		return m.Born < o.Born
	}
	return m.ID.Name < o.ID.Name
}

// Census counts by template. The zero value is empty and ready; it is safe for concurrent use. Each change costs time that grows with
// the logarithm of the number of sessions, and with the number of those for whom it makes a difference.
type Census struct {
	// Moved is called, without a lock held, for each ID that was within the limits and is beyond one, or the other way round, or is beyond
	// another one than before, but for the one that asks.
	Moved func(ID)

	mu     sync.Mutex
	groups map[ID]*group
}

// Bound says how many sessions a template may have. The first time it asks for those that there are.
func (c *Census) Bound(of ID, limits Limits, members func() ([]Member, error)) error {
	return c.change(of, limits, members, func(*group) {})
}

// Ask counts a session as it is now, and says which limit it is beyond, if there is one; of two, that of its tenant. The rest is as
// with Bound.
func (c *Census) Ask(of ID, limits Limits, members func() ([]Member, error), m Member) (beyond string, err error) {
	err = c.change(of, limits, members, func(g *group) {
		e := g.put(m)
		e.told = e.beyond()
		beyond = e.told
	})
	return beyond, err
}

// Enter lets a session begin, and says whether it may: only one that was counted may, and only within the limits.
func (c *Census) Enter(of ID, name string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	g := c.groups[of]
	return g != nil && g.enter(name) // this leaves room for as many as before
}

// Gone forgets a session that is not there any more.
func (c *Census) Gone(of ID, name string) {
	c.mu.Lock()
	g := c.groups[of]
	if g == nil {
		c.mu.Unlock()
		return
	}
	g.remove(name)
	if len(g.members) == 0 {
		delete(c.groups, of)
	}
	called := g.settle()
	c.mu.Unlock()
	c.call(called)
}

// Drop forgets a template that has no limit any more.
func (c *Census) Drop(of ID) {
	c.mu.Lock()
	g := c.groups[of]
	if g == nil {
		c.mu.Unlock()
		return
	}
	delete(c.groups, of)
	called := g.refused()
	c.mu.Unlock()
	c.call(called)
}

// change makes a change of a template that has a limit, and calls those for whom it makes a difference.
func (c *Census) change(of ID, limits Limits, members func() ([]Member, error), what func(*group)) error {
	c.mu.Lock()
	g, err := c.known(of, limits, members)
	if err != nil {
		c.mu.Unlock()
		return err
	}
	g.bound(limits)
	what(g)
	called := g.settle()
	c.mu.Unlock()
	c.call(called)
	return nil
}

// known is the group of a template, with all its members.
func (c *Census) known(of ID, limits Limits, members func() ([]Member, error)) (*group, error) {
	if g := c.groups[of]; g != nil {
		return g, nil
	}
	all, err := members()
	if err != nil {
		return nil, err
	}
	g := newGroup(limits, len(all))
	for _, m := range all {
		g.put(m)
	}
	if c.groups == nil {
		c.groups = map[ID]*group{}
	}
	c.groups[of] = g
	return g, nil
}

func (c *Census) call(called []ID) {
	for _, id := range called {
		c.Moved(id)
	}
}
