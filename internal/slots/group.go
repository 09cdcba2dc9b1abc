package slots

import (
	"slices"
	"time"
)

// group is the places of one template.
type group struct {
	limits   Limits
	holders  map[ID]holder
	tenants  map[string]places // those held, by tenant
	starting int               // of the holders
	line     line
	called   map[ID]bool // those to whom the answer of now is yes: there is room, or room is to be made
}

// places are those of one tenant.
type places struct{ all, starting int }

type holder struct {
	tenant string
	stage  Stage
	since  time.Time
}

// ask is the answer to one who asks. A holder that starts has its place, one that does not, and has no pod any more, needs one to
// start in again.
func (g *group) ask(id ID, tenant string) Answer {
	next, then := g.next()
	answer := Answer{Evict: g.called[id]}
	switch h, held := g.holders[id]; {
	case held && h.stage == Starting:
	case held:
		answer.Limit = then.late(tenant)
	case slices.Contains(next, id):
		answer.Evict = false
	default:
		answer.Limit = then.full(tenant)
	}
	answer.Room = answer.Limit == ""
	return answer
}

func (g *group) hold(id ID, tenant string, stage Stage, since time.Time) {
	g.drop(id)
	g.line.serve(id)
	h := holder{tenant, stage, since}
	g.holders[id] = h
	g.count(h, 1)
}

func (g *group) drop(id ID) {
	if h, held := g.holders[id]; held {
		g.count(h, -1)
		delete(g.holders, id)
	}
}

func (g *group) count(h holder, by int) {
	of := g.tenants[h.tenant]
	of.all += by
	if h.stage == Starting {
		g.starting += by
		of.starting += by
	}
	if g.tenants[h.tenant] = of; of.all == 0 {
		delete(g.tenants, h.tenant)
	}
}

// calls are those to whom the answer is yes since now.
func (g *group) calls() (since []ID) {
	next, then := g.next()
	now := map[ID]bool{}
	for _, id := range append(next, g.victims(then)...) {
		now[id] = true
		if !g.called[id] {
			since = append(since, id)
		}
	}
	g.called = now
	return since
}

// next are those who may take the places that are free, in the order in which they are served, and the forecast of how things
// stand when they have.
func (g *group) next() (next []ID, then *forecast) {
	then = &forecast{limits: g.limits, awake: len(g.holders), starting: g.starting, tenants: g.tenants, served: map[string]int{}}
	turns := slices.Clone(g.line.turns)
	for len(turns) > 0 {
		tenant := turns[0]
		turns = turns[1:]
		queue := g.line.waiting[tenant][then.served[tenant]:]
		if len(queue) == 0 || then.full(tenant) != "" {
			continue // for good: a forecast gives no place back
		}
		next = append(next, queue[0])
		then.take(tenant)
		turns = append(turns, tenant)
	}
	return next, then
}

// forecast is how things stand when everybody who may has taken a place.
type forecast struct {
	limits          Limits
	awake, starting int
	tenants         map[string]places // those held now, by tenant
	served          map[string]int    // places taken in the forecast, by tenant
}

func (f *forecast) take(tenant string) {
	f.awake++
	f.starting++
	f.served[tenant]++
}

// full is the limit that leaves no further place for a tenant.
func (f *forecast) full(tenant string) string {
	switch {
	case reached(f.limits.PerTenant, f.tenants[tenant].all+f.served[tenant]):
		return LimitPerTenant
	case reached(f.limits.Awake, f.awake):
		return LimitAwake
	}
	return f.late(tenant)
}

// late is the limit that lets no further one of a tenant start.
func (f *forecast) late(tenant string) string {
	switch {
	case reached(f.limits.TenantStarting, f.tenants[tenant].starting+f.served[tenant]):
		return LimitTenantStarting
	case reached(f.limits.Starting, f.starting):
		return LimitStarting
	}
	return ""
}

func reached(limit, places int) bool { return limit > 0 && places >= limit }
