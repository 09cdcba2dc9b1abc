package directory

// Visit is one request, or one upgraded connection, at a session. It counts as in flight from Enter until Leave.
type Visit struct {
	d    *Directory
	e    *entry
	view *View
	term uint64

	// The lock of the entry's shard guards the rest.
	upgraded bool
	counts   bool // as an open connection
	left     bool
	ended    bool // closing is closed
	closing  chan struct{}
}

// Pod is where the visit goes.
func (v *Visit) Pod() Pod { return v.view.Pod }

// Epoch is the epoch that the visit was admitted for.
func (v *Visit) Epoch() int64 { return v.view.Epoch }

// SessionUID is the UID of the Session.
func (v *Visit) SessionUID() string { return v.view.UID }

// Owner is whose the Session is; empty: nobody's.
func (v *Visit) Owner() string { return v.view.Owner }

// Upgraded says that from now on the visit is an open connection, and not a request in flight.
func (v *Visit) Upgraded() {
	e := v.e
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	if v.upgraded || v.left {
		return
	}
	v.upgraded = true
	if v.term != e.term {
		v.close()
		return
	}
	v.counts = e.view.Counts
	if e.open == nil {
		e.open = map[*Visit]struct{}{}
	}
	e.open[v] = struct{}{}
	if v.counts {
		e.conns++
	}
	v.endRequest()
	if e.view.unpublished() {
		e.closeOpen(e.view.Forced)
	}
}

// Leave ends the visit. Only the first call counts.
func (v *Visit) Leave() {
	e := v.e
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	if v.left {
		return
	}
	v.left = true
	if v.term != e.term {
		return
	}
	if !v.upgraded {
		v.endRequest()
		return
	}
	delete(e.open, v)
	if v.counts {
		e.conns--
		v.needed()
	}
}

func (v *Visit) endRequest() {
	v.e.requests--
	v.needed()
}

// needed notes that the session was needed until now, and may be settled.
func (v *Visit) needed() {
	v.e.pace.needed = v.d.Now()
	if v.e.view.unpublished() {
		v.d.settle(v.e)
	}
	v.d.doze(v.e)
}

// Closing is closed when an upgraded connection must end: it does not count and its session is unpublished, or its pod
// is going whatever is wanted.
func (v *Visit) Closing() <-chan struct{} {
	v.e.home.mu.Lock()
	defer v.e.home.mu.Unlock()
	return v.channel()
}

func (v *Visit) channel() chan struct{} {
	if v.closing == nil {
		v.closing = make(chan struct{})
	}
	return v.closing
}

func (v *Visit) close() {
	if !v.ended {
		v.ended = true
		close(v.channel())
	}
}
