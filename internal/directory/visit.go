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
	parts    bool // an open connection that ends in order before its session stops
	parting  bool // it is told to, and has not left
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

// CountsBytes says whether what goes by on it keeps the session awake, once it is an open connection.
func (v *Visit) CountsBytes() bool { return v.view.CountsBytes }

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
	if e.view.unpublished() {
		e.closeOpen(e.view.Forced)
	}
	v.endRequest()
}

// Parts says that the visit, once it is an open connection, ends in order when it is told to close: until it has left, the gateway
// does not vouch for an unpublish. It must leave soon. It does not make the session wanted.
func (v *Visit) Parts() {
	v.e.home.mu.Lock()
	defer v.e.home.mu.Unlock()
	v.parts = true
}

// Needed says that the session is needed at this moment, if that is what is counted of an open connection: that bytes go by.
func (v *Visit) Needed() {
	if !v.CountsBytes() {
		return
	}
	e := v.e
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	if v.left || v.term != e.term || e.view.State != Reachable {
		return
	}
	e.rouse()
	e.pace.needed = v.d.Now()
	if e.rested {
		v.d.ask(e)
	}
}

// Gone says whether the Session is being deleted, or was.
func (v *Visit) Gone() bool {
	v.e.home.mu.Lock()
	defer v.e.home.mu.Unlock()
	return v.e.view.Gone
}

// Over says whether the pod of the visit has ended, as far as is known.
func (v *Visit) Over() bool {
	v.e.home.mu.Lock()
	defer v.e.home.mu.Unlock()
	return v.term != v.e.term
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
	if v.parting {
		e.parting--
		v.d.settle(e)
	}
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

func (v *Visit) part() {
	if v.parts && !v.parting && !v.counts {
		v.parting = true
		v.e.parting++
	}
}

func (v *Visit) close() {
	if !v.ended {
		v.ended = true
		close(v.channel())
	}
}
