package directory

import "time"

// entry is what the directory holds for one session. The lock of its shard guards it.
type entry struct {
	id   ID
	home *shard

	view     *View     // the latest; never changed in place, visits share it
	uid      string    // of the Session, by the latest view that said so
	epoch    int64     // likewise
	activity time.Time // likewise
	pod      string    // UID of the one that was published in this term; empty: none was

	term     uint64 // grows when an epoch is over; visits of an earlier term count no more
	requests int    // in flight in this term
	conns    int    // open connections of this term that count
	parting  int    // open connections of this term that end in order, and have not yet; they need nothing
	open     map[*Visit]struct{}
	waiting  int

	changed chan struct{} // closed at the next view; made by the first who waits for it
	pace    pace
	word    word
	rested  bool // nobody needed the session when a touch was due: the next visit asks for one
	asked   bool // a touch was asked for, and nobody has said yet what became of it

	answering bool // that is being said now
}

// inFlight is how many visits there are that must end, or take the sleep back, before the session stops.
func (e *entry) inFlight() int { return e.requests + e.conns + e.parting }

// busy is whether somebody needs the session right now.
func (e *entry) busy() bool { return e.requests+e.conns+e.waiting > 0 }

// replacedBy is whether v is newer than what is known: a higher version, and of the same Session never a lower epoch.
func (e *entry) replacedBy(v *View) bool {
	if v.Version <= e.view.Version {
		return false
	}
	return v.State == Absent || v.UID != e.uid || v.Epoch >= e.epoch
}

// endTerm forgets the visits of an epoch that is over: their pod has ended, so nobody waits for them. What is still open
// to it is told to close.
func (d *Directory) endTerm(e *entry) {
	if e.pod != "" && d.Ended != nil {
		d.Ended(e.pod)
	}
	e.pod = ""
	e.term++
	e.requests, e.conns, e.parting = 0, 0, 0
	e.word = word{}
	for v := range e.open {
		v.close()
	}
	e.open = nil
}

// closeOpen tells open connections to close: all of them, or those that do not count.
func (e *entry) closeOpen(all bool) {
	for v := range e.open {
		if all || !v.counts {
			v.part()
			v.close()
		}
	}
}

// entry is the one for id, made if there is none. A new one knows nothing, but no version below the floor is news to it.
func (s *shard) entry(id ID) *entry {
	if e := s.entries[id]; e != nil {
		return e
	}
	if s.entries == nil {
		s.entries = map[ID]*entry{}
	}
	e := &entry{id: id, home: s, view: &View{Version: s.floorOf(id)}}
	s.entries[id] = e
	delete(s.ahead, id)
	return e
}

// drop forgets e if nothing is in sight of it, nobody waits, and no touch is under way whose answer could come late.
func (d *Directory) drop(e *entry) {
	s := e.home
	if e.view.State != Absent || e.waiting > 0 || e.asked || s.entries[e.id] != e {
		return
	}
	e.pace.stop()
	delete(s.entries, e.id)
	d.forget(s, e.id, e.view.Version)
}

// forget keeps of a session without an entry that no version up to this one is news of it.
func (d *Directory) forget(s *shard, id ID, version uint64) {
	if version <= d.sight.mark() {
		s.floor = max(s.floor, version)
		return
	}
	if s.ahead == nil {
		s.ahead = map[ID]uint64{}
	}
	s.ahead[id] = max(s.ahead[id], version)
	d.strays.Store(true)
}

// floorOf is the highest version that is not news of a session without an entry.
func (s *shard) floorOf(id ID) uint64 { return max(s.floor, s.ahead[id]) }

// catchUp forgets of single sessions what holds for all of them, now that the watch has come to this version.
func (s *shard) catchUp(mark uint64) (left bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, version := range s.ahead {
		if version <= mark {
			s.floor = max(s.floor, version)
			delete(s.ahead, id)
		}
	}
	return len(s.ahead) > 0
}
