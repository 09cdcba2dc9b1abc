package census

// group is the sessions of one template.
type group struct {
	limits  Limits
	members map[string]*entry // by name
	all     bound
	tenants map[string]*bound // of those that have members
	moved   []*entry          // since the last settle
}

// bound is one limit, and those who count for it.
type bound struct {
	begun  int  // members that have
	within side // those who have not begun and may: the last of them first
	beyond side // those who may not: the first of them first
}

func newBound(limit string) bound {
	return bound{within: side{last: true}, beyond: side{limit: limit}}
}

func (b *bound) empty() bool { return b.begun+b.within.Len()+b.beyond.Len() == 0 }

// entry is a member and where it stands. One that has begun stands nowhere, any other under the limit of its tenant; and, if it is
// within that, under that of all.
type entry struct {
	Member
	tenant   *bound
	ofTenant spot
	ofAll    spot
	told     string // the limit that it is beyond, as it was told last, or would have heard
}

// beyond is the limit that leaves the entry out.
func (e *entry) beyond() string {
	switch {
	case e.In:
		return ""
	case e.ofAll.side == nil:
		return LimitTenantSessions
	}
	return e.ofAll.side.limit
}

func newGroup(limits Limits, members int) *group {
	return &group{limits: limits, members: make(map[string]*entry, members), all: newBound(LimitSessions), tenants: map[string]*bound{}}
}

func (g *group) tenant(name string) *bound {
	b := g.tenants[name]
	if b == nil {
		fresh := newBound(LimitTenantSessions)
		b = &fresh
		g.tenants[name] = b
	}
	return b
}

// bound has the group go by limits.
func (g *group) bound(limits Limits) {
	if limits == g.limits {
		return
	}
	g.limits = limits
	for _, b := range g.tenants {
		g.balance(b, limits.PerTenant)
	}
	g.balance(&g.all, limits.All)
}

// put counts a member as it is now. One that has begun has begun for good, until it is another of that name.
func (g *group) put(m Member) *entry {
	e := g.members[m.ID.Name]
	if e == nil || e.UID != m.UID {
		g.remove(m.ID.Name)
		e = g.add(m)
	}
	if m.In {
		g.begin(e)
	}
	g.settled(e.tenant)
	return e
}

// add counts one that was not counted before, and that has not begun.
func (g *group) add(m Member) *entry {
	e := &entry{Member: m, tenant: g.tenant(m.Tenant)}
	e.In = false
	e.ofTenant.entry, e.ofAll.entry = e, e
	g.members[m.ID.Name] = e
	g.move(&e.ofTenant, &e.tenant.beyond)
	return e
}

// enter lets a member begin if it is within the limits.
func (g *group) enter(name string) bool {
	e := g.members[name]
	if e == nil || e.beyond() != "" {
		return false
	}
	g.begin(e)
	return true
}

func (g *group) begin(e *entry) {
	if e.In {
		return
	}
	e.leave()
	e.In = true
	e.tenant.begun++
	g.all.begun++
}

func (g *group) remove(name string) {
	e := g.members[name]
	if e == nil {
		return
	}
	delete(g.members, name)
	e.leave()
	if e.In {
		e.tenant.begun--
		g.all.begun--
	}
	if e.tenant.empty() {
		delete(g.tenants, e.Tenant)
	}
	g.settled(e.tenant)
}

// leave takes an entry away from where it stands.
func (e *entry) leave() {
	e.ofAll.to(nil)
	e.ofTenant.to(nil)
}

// settled is a group in which only one tenant has changed, balanced.
func (g *group) settled(tenant *bound) {
	g.balance(tenant, g.limits.PerTenant)
	g.balance(&g.all, g.limits.All)
}

// balance has as many within a limit as those who have begun leave room for, and the first of all.
func (g *group) balance(b *bound, limit int) {
	for {
		room, first, last := limit-b.begun, b.beyond.top(), b.within.top()
		switch {
		case last != nil && b.within.Len() > room:
			g.move(last, &b.beyond)
		case first != nil && b.within.Len() < room:
			g.move(first, &b.within)
		case first != nil && last != nil && first.before(last):
			g.move(last, &b.beyond)
		default:
			return
		}
	}
}

// move takes a spot to another side. Who is within the limit of its tenant stands under that of all as well, and nobody else does.
func (g *group) move(s *spot, to *side) {
	s.to(to)
	e := s.entry
	g.moved = append(g.moved, e)
	switch to {
	case &e.tenant.within:
		e.ofAll.to(&g.all.beyond)
	case &e.tenant.beyond:
		e.ofAll.to(nil)
	}
}

// settle gives those who have to be told otherwise than they were.
func (g *group) settle() (called []ID) {
	for _, e := range g.moved {
		if beyond := e.beyond(); beyond != e.told && g.members[e.ID.Name] == e {
			e.told = beyond
			called = append(called, e.ID)
		}
	}
	g.moved = nil
	return called
}

// refused are those who are beyond a limit.
func (g *group) refused() (all []ID) {
	for _, e := range g.members {
		if e.beyond() != "" {
			all = append(all, e.ID)
		}
	}
	return all
}
