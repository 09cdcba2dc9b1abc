package directory

import "time"

// speakPace is the least time between two touches of a session that only carry what its workload said.
const speakPace = time.Second

// underWay is how long a touch is under way, as a rule: what was said meanwhile it does not know of.
const underWay = 100 * time.Millisecond

// Word is what a workload says of how long its session stays awake. Nil: nothing of that.
type Word struct {
	IdleAfter *time.Duration // in the place of the template's; zero: fall asleep as soon as nobody is there
	Busy      *time.Duration // from now on it stays awake at least so long
}

// sleeps is whether it says that the session falls asleep.
func (w Word) sleeps() bool { return w.IdleAfter != nil && *w.IdleAfter == 0 }

// claim is a word as of some moment.
type claim struct {
	idleAfter *time.Duration // nil: the template's
	busyUntil time.Time
	nap       bool // fall asleep as soon as nobody is there; the next who comes ends that
}

func claimOf(w Word, now time.Time) (c claim) {
	if c.nap = w.sleeps(); !c.nap {
		c.idleAfter = w.IdleAfter
	}
	if w.Busy != nil {
		c.busyUntil = now.Add(*w.Busy)
	}
	return c
}

// sameIdle is whether two claims have the same idle time.
func (c claim) sameIdle(other claim) bool {
	if c.idleAfter == nil || other.idleAfter == nil {
		return c.idleAfter == other.idleAfter
	}
	return *c.idleAfter == *other.idleAfter
}

// sameBusy is whether two claims are busy for the same time from now on.
func (c claim) sameBusy(other claim, now time.Time) bool {
	return later(c.busyUntil, now).Equal(later(other.busyUntil, now))
}

// word is what holds of all that the workload said in this term, here and, by their touches, to other gateways.
type word struct {
	claim
	told   claim     // by the latest touch, or by the one that is under way
	known  claim     // by the latest touch
	last   time.Time // when the workload said something here
	unsaid bool      // what holds is in no touch yet
	urgent bool      // and that cannot wait until a touch is due
}

// Says takes in what the workload said in its answer to the visit.
func (v *Visit) Says(w Word) {
	e := v.e
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	if v.left || v.term != e.term {
		return
	}
	now := v.d.Now()
	e.word.last = now
	if w.IdleAfter != nil {
		e.word.idle(*w.IdleAfter)
	}
	if w.Busy != nil {
		e.word.busy(*w.Busy, now)
	}
	v.d.speak(e)
}

// idle makes that the idle time. To fall asleep has to wait until nobody is there.
func (w *word) idle(after time.Duration) {
	w.nap = after == 0
	switch {
	case w.nap:
		w.idleAfter, w.unsaid = nil, true // a touch under way does not know of it
	case w.idleAfter == nil || *w.idleAfter != after:
		w.idleAfter, w.unsaid, w.urgent = &after, true, true
	}
}

// busy makes that the time for which the workload is busy. If that is off from what was told by a tenth of it or less, it waits for
// the touch that is due next: a lease that each answer renews costs no touch each.
func (w *word) busy(left time.Duration, now time.Time) {
	w.busyUntil = now.Add(left)
	off := w.busyUntil.Sub(later(w.told.busyUntil, now)).Abs()
	w.unsaid = w.unsaid || off > 0
	w.urgent = w.urgent || off > left/toleranceShare
}

// heard is a touch that came in, beside what was known when it came.
type heard struct {
	touch       claim
	told, known claim
	just        bool // something was said here that the touch may not know of
	alone       bool // nobody is there
	ours        bool // it is a touch of this gateway, as far as is known
	back        bool // its time lies before that of the touch before it
	now         time.Time
}

// hear takes in what the touch says that the view of e shows. What was said here, and is in no touch yet, gives way to what another gateway was told since. A
// touch whose time lies before that of the one before it was under way when that came: it does not undo what was said here just
// now, but is answered with it.
func (e *entry) hear(now time.Time) {
	w := &e.word
	h := heard{
		touch: claimOf(e.view.Word, now), told: w.told, known: w.known, just: now.Sub(w.last) < underWay,
		alone: !e.busy(), ours: e.answering || e.asked, back: e.view.Activity.Before(e.activity), now: now,
	}
	w.told, w.known = h.touch, h.touch
	if h.back && h.just {
		w.unsaid, w.urgent = true, true
		return
	}
	if w.sameIdle(h.told) || !h.just && !h.touch.sameIdle(h.known) {
		w.idleAfter = h.touch.idleAfter
	}
	w.hearBusy(&h)
	w.hearNap(&h)
	w.unsaid = w.unsaid && (w.owesNap(&h) || !w.sameIdle(h.touch) || !w.sameBusy(h.touch, now))
}

func (w *word) hearBusy(h *heard) {
	shortened := h.known.busyUntil.Sub(later(h.touch.busyUntil, h.now)) > underWay
	switch {
	case w.sameBusy(h.told, h.now), !h.just && shortened:
		w.busyUntil = h.touch.busyUntil
	case !h.just:
		w.busyUntil = later(w.busyUntil, h.touch.busyUntil)
	}
}

func (w *word) hearNap(h *heard) {
	switch {
	case h.touch.nap && !h.told.nap: // said by another gateway
		w.nap = h.alone
	case !h.touch.nap: // somebody came there; or the touch was ours, and on its way before that was said
		w.nap = w.nap && w.unsaid && h.ours
	}
}

// owesNap is whether a nap is to be said, or one that was said here is to be taken back.
func (w *word) owesNap(h *heard) bool { return w.nap && !h.touch.nap || h.told.nap && !w.nap }

// say is what holds, for a touch.
func (w *word) say(now time.Time, alone bool) (out Word) {
	w.told = w.claim
	w.told.nap = w.nap && alone
	w.unsaid, w.urgent = w.nap && !alone, false
	out.IdleAfter = w.idleAfter
	if w.told.nap {
		out.IdleAfter = new(time.Duration)
	}
	if left := w.busyUntil.Sub(now); left > 0 {
		out.Busy = &left
	}
	return out
}

// miss says that the touch under way failed.
func (w *word) miss() { w.told, w.unsaid = w.known, true }

// news is whether there is something to say.
func (w *word) news(now time.Time) bool {
	return w.unsaid && (w.nap != w.told.nap || !w.sameIdle(w.told) || !w.sameBusy(w.told, now))
}

// Word is what the next touch of a session says for its workload. It counts as said, until Missed.
func (d *Directory) Word(id ID) Word {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		return e.word.say(d.Now(), !e.busy())
	}
	return Word{}
}

// rouse is called when somebody comes. If a touch is under way that lets the session fall asleep, another must follow it.
func (e *entry) rouse() {
	if e.word.nap {
		e.word.nap = false
		e.word.unsaid = e.word.unsaid || e.asked
	}
}

// doze asks for the touch that lets e fall asleep, if its workload said so and nobody is there any more.
func (d *Directory) doze(e *entry) {
	if e.word.nap && !e.busy() {
		e.word.unsaid, e.word.urgent = true, true
		d.speak(e)
	}
}

// speak asks for a touch that says what cannot wait, but for one in a second only, or in the time in which a session is touched
// anyway if that is less.
func (d *Directory) speak(e *entry) {
	now := d.Now()
	if !e.word.urgent || !e.mustSpeak(now) {
		return
	}
	wait := e.pace.spoke.Add(min(speakPace, e.lasts()/paceShare)).Sub(now)
	if wait <= 0 {
		d.ask(e)
		return
	}
	if e.pace.overdue(now) || e.pace.due.After(now.Add(wait)) {
		d.rest(e, wait)
	}
}

// mustSpeak is whether a touch has something to say. Only a published session has: any other would be woken by it.
func (e *entry) mustSpeak(now time.Time) bool { return e.view.State == Reachable && e.word.news(now) }

// lasts is how long e stays awake after the latest touch, as the operator takes it.
func (e *entry) lasts() time.Duration {
	return max(e.idleAfter(), e.word.told.busyUntil.Sub(e.pace.seen))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
