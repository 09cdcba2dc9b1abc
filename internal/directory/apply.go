package directory

// Apply takes in a version of a Session that a list or the watch brought. Versions may come in any order. It reports
// whether a sleep may wait for this gateway to say that it has seen the version.
func (d *Directory) Apply(id ID, v View) (unpublished bool) {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.entries[id] == nil && (v.State == Absent || v.Version <= s.floorOf(id)) {
		d.forget(s, id, v.Version)
		return false
	}
	e := s.entry(id)
	d.take(e, &v)
	d.drop(e)
	return v.unpublished()
}

// Touched takes in the answer of a touch: the Session as it is since. It never brings an entry about: nobody who needs
// the session is left.
func (d *Directory) Touched(id ID, v View) {
	d.answered(id, func(e *entry) {
		d.take(e, &v)
		d.tookBack(e)
		if e.pace.overdue(d.Now()) {
			d.rest(e, retryAfter)
		}
	})
}

// Lost says that a touch found no Session of that UID any more. So its pod has ended, and nobody waits for its visits.
func (d *Directory) Lost(id ID, uid string) {
	d.answered(id, func(e *entry) {
		if e.uid == uid {
			d.become(e, &View{Version: e.view.Version, lost: true})
		}
	})
}

// Missed says that a touch failed. It is asked for again soon, if the session still needs it.
func (d *Directory) Missed(id ID) {
	d.answered(id, func(e *entry) {
		e.word.miss()
		d.rest(e, retryAfter)
	})
}

func (d *Directory) answered(id ID, what func(*entry)) {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil {
		return
	}
	e.asked, e.answering = false, true
	what(e)
	e.answering = false
	d.speak(e)
	d.drop(e)
}

// take makes v what is known of e, if it is newer.
func (d *Directory) take(e *entry, v *View) {
	if e.replacedBy(v) {
		d.become(e, v)
	}
}

// become makes v what is known of e, and does what follows.
func (d *Directory) become(e *entry, v *View) {
	old := e.view
	e.view = v
	if v.State == Absent || v.UID != e.uid || v.Epoch != e.epoch {
		d.endTerm(e)
	}
	if v.State != Absent {
		e.uid, e.epoch = v.UID, v.Epoch
	}
	if v.State == Reachable {
		e.pod = v.Pod.UID
	}
	d.pods.change(old, v)
	if v.unpublished() {
		e.closeOpen(v.Forced)
	}
	d.noticeTouch(e, old)
	d.settle(e)
	d.tookBack(e)
	e.tellWaiters()
	if d.Reached != nil && v.State == Reachable && !v.samePod(old) {
		d.Reached(e.id)
	}
}

// tookBack asks for the touch that takes back a sleep, if somebody is in the way of it.
func (d *Directory) tookBack(e *entry) {
	if e.view.takesBack() && e.busy() {
		d.ask(e)
	}
}
