package slots

import (
	"cmp"
	"slices"
)

// victims are those who shall make room: for each who waits for a session to sleep, and for whom none is on its way to, the one
// that has been idle longest; if it is the limit of a tenant, one of that tenant.
func (g *group) victims(then *forecast) (victims []ID) {
	if !g.limits.EvictIdle || len(g.line.turns) == 0 {
		return nil
	}
	missing := g.missing(then)
	for id, h := range g.holders {
		switch h.stage {
		case Leaving:
			missing.fill(h.tenant)
		case Serving:
			victims = append(victims, id)
		}
	}
	slices.SortFunc(victims, g.byIdleTime)
	return slices.DeleteFunc(victims, func(id ID) bool { return !missing.fill(g.holders[id].tenant) })
}

func (g *group) byIdleTime(a, b ID) int {
	return cmp.Or(g.holders[a].since.Compare(g.holders[b].since), cmp.Compare(a.Name, b.Name))
}

// missing is how many places are missing.
type missing struct {
	any     int
	tenants map[string]int // of that very tenant
}

func (g *group) missing(then *forecast) missing {
	m := missing{tenants: map[string]int{}}
	for tenant, queue := range g.line.waiting {
		left := len(queue) - then.served[tenant]
		switch then.full(tenant) {
		case LimitPerTenant:
			m.tenants[tenant] = left
		case LimitAwake:
			m.any += left
		}
	}
	return m
}

// fill says whether a place of a tenant is one of the missing, which is then one less.
func (m *missing) fill(tenant string) bool {
	switch {
	case m.tenants[tenant] > 0:
		m.tenants[tenant]--
	case m.any > 0:
		m.any--
	default:
		return false
	}
	return true
}
