package slots

import "slices"

// line is those who wait: a queue for each tenant, and the tenants in the order of their turns.
type line struct {
	turns   []string // the tenants that wait; the first is served next
	waiting map[string][]ID
	tenants map[ID]string // of those who wait
}

// add puts id at the end of the queue of its tenant. A tenant that did not wait has its turn after all who do.
func (l *line) add(id ID, tenant string) {
	if _, stands := l.tenants[id]; stands {
		return
	}
	if l.waiting == nil {
		l.waiting, l.tenants = map[string][]ID{}, map[ID]string{}
	}
	if len(l.waiting[tenant]) == 0 {
		l.turns = append(l.turns, tenant)
	}
	l.waiting[tenant] = append(l.waiting[tenant], id)
	l.tenants[id] = tenant
}

// serve takes id out; its tenant has had its turn.
func (l *line) serve(id ID) {
	tenant, stands := l.tenants[id]
	if !stands {
		return
	}
	l.remove(id)
	if at := slices.Index(l.turns, tenant); at >= 0 {
		l.turns = append(slices.Delete(l.turns, at, at+1), tenant)
	}
}

// remove takes id out.
func (l *line) remove(id ID) {
	tenant, stands := l.tenants[id]
	if !stands {
		return
	}
	delete(l.tenants, id)
	left := slices.DeleteFunc(l.waiting[tenant], func(other ID) bool { return other == id })
	l.waiting[tenant] = left
	if len(left) == 0 {
		delete(l.waiting, tenant)
		l.turns = slices.DeleteFunc(l.turns, func(other string) bool { return other == tenant })
	}
}
