package census

import "container/heap"

// group is the sessions of one template.
type group struct {
	limit   int
	members map[string]*entry // by name
	begun   int               // of the members
	within  side              // those who have not begun and may: the last of them first
	beyond  side              // those who may not: the first of them first
	moved   []*entry          // since the last settle
}

// entry is a member and where it stands.
type entry struct {
	Member
	side *side // nil: it has begun
	at   int   // in its side
	told bool  // what it was told last, or would have heard: that it is beyond the limit
}

// put counts a member as it is now. One that has begun has begun for good, until it is another of that name.
func (g *group) put(m Member) *entry {
	e := g.members[m.ID.Name]
	if e != nil && e.UID == m.UID {
		if m.In {
			g.begin(e)
		}
		return e
	}
	g.remove(m.ID.Name)
	e = &entry{Member: m}
	g.members[m.ID.Name] = e
	if m.In {
		g.begun++
		return e
	}
	g.move(e, &g.beyond)
	return e
}

// enter lets a member begin if it is within the limit.
func (g *group) enter(name string) bool {
	e := g.members[name]
	if e == nil || e.side == &g.beyond {
		return false
	}
	g.begin(e)
	return true
}

func (g *group) begin(e *entry) {
	if e.side == nil {
		return
	}
	g.move(e, nil)
	e.In = true
	g.begun++
}

func (g *group) remove(name string) {
	e := g.members[name]
	if e == nil {
		return
	}
	delete(g.members, name)
	if e.side == nil {
		g.begun--
		return
	}
	g.move(e, nil)
}

// move takes an entry from its side to another, or to none.
func (g *group) move(e *entry, to *side) {
	if e.side != nil {
		heap.Remove(e.side, e.at)
	}
	e.side = to
	if to != nil {
		heap.Push(to, e)
		g.moved = append(g.moved, e)
	}
}

// balance has as many within the limit as those who have begun leave room for, and the first of all.
func (g *group) balance() {
	for {
		room, first := g.limit-g.begun, g.beyond.top()
		last := g.within.top()
		switch {
		case last != nil && len(g.within.entries) > room:
			g.move(last, &g.beyond)
		case first != nil && len(g.within.entries) < room:
			g.move(first, &g.within)
		case first != nil && last != nil && first.before(&last.Member):
			g.move(last, &g.beyond)
		default:
			return
		}
	}
}

// settle balances, and gives those who have to be told otherwise than they were.
func (g *group) settle() (called []ID) {
	g.balance()
	for _, e := range g.moved {
		if beyond := e.side == &g.beyond; e.side != nil && beyond != e.told {
			e.told = beyond
			called = append(called, e.ID)
		}
	}
	g.moved = nil
	return called
}

// side is a heap of entries.
type side struct {
	entries []*entry
	last    bool // the last is at the top, not the first
}

func (s *side) top() *entry {
	if len(s.entries) == 0 {
		return nil
	}
	return s.entries[0]
}

func (s *side) Len() int { return len(s.entries) }

func (s *side) Less(i, j int) bool {
	if s.last {
		i, j = j, i
	}
	return s.entries[i].before(&s.entries[j].Member)
}

func (s *side) Swap(i, j int) {
	s.entries[i], s.entries[j] = s.entries[j], s.entries[i]
	s.entries[i].at, s.entries[j].at = i, j
}

func (s *side) Push(x any) {
	e := x.(*entry)
	e.at = len(s.entries)
	s.entries = append(s.entries, e)
}

func (s *side) Pop() any {
	n := len(s.entries) - 1
	e := s.entries[n]
	s.entries[n] = nil
	s.entries = s.entries[:n]
	return e
}

func (s *side) ids() (all []ID) {
	for _, e := range s.entries {
		all = append(all, e.ID)
	}
	return all
}
