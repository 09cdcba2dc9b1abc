package directory

import "time"

// speakPace is the least time between two touches of a session that only carry what its workload said.
const speakPace = time.Second

// Word is what a workload says of how long its session stays awake. Nil: nothing of that.
type Word struct {
	IdleAfter *time.Duration // in the place of the template's; zero: fall asleep as soon as nobody is there
	Busy      *time.Duration // from now on it stays awake at least so long
}

// sleeps is whether it says that the session falls asleep.
func (w Word) sleeps() bool { return w.IdleAfter != nil && *w.IdleAfter == 0 }

// word is what holds of all that the workload said in this term, here and, by their touches, to other gateways.
type word struct {
	idleAfter *time.Duration // nil: the template's
	busyUntil time.Time
	nap       bool // fall asleep as soon as nobody is there; the next who comes ends that

	told   time.Time // until when the workload is busy by the latest touch
	heard  bool      // it said something here
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
	e.word.heard = true
	if w.IdleAfter != nil {
		e.word.idle(*w.IdleAfter)
	}
	if w.Busy != nil {
		e.word.busy(*w.Busy, v.d.Now())
	}
	v.d.speak(e)
}

// idle makes that the idle time. To fall asleep has to wait until nobody is there.
func (w *word) idle(after time.Duration) {
	w.nap = after == 0
	switch {
	case w.nap:
		w.unsaid = w.unsaid || w.idleAfter != nil
		w.idleAfter = nil
	case w.idleAfter == nil || *w.idleAfter != after:
		w.idleAfter, w.unsaid, w.urgent = &after, true, true
	}
}

// busy makes that the time for which the workload is busy. If it is off from what was told by less than the share in which a
// session is touched anyway, it waits for that touch.
func (w *word) busy(left time.Duration, now time.Time) {
	w.busyUntil = now.Add(left)
	off := w.busyUntil.Sub(later(w.told, now)).Abs()
	w.unsaid = w.unsaid || off > 0
	w.urgent = w.urgent || off > left/paceShare
}

// hear takes in what a touch says, unless something was said here that is in no touch yet.
func (w *word) hear(by Word, now time.Time) {
	w.told = time.Time{}
	if by.Busy != nil {
		w.told = now.Add(*by.Busy)
	}
	if w.unsaid {
		return
	}
	w.busyUntil, w.nap, w.idleAfter = w.told, by.sleeps(), by.IdleAfter
	if w.nap {
		w.idleAfter = nil
	}
}

// say is what holds, for a touch.
func (w *word) say(now time.Time, alone bool) (out Word) {
	out.IdleAfter = w.idleAfter
	if w.nap && alone {
		out.IdleAfter = new(time.Duration)
	}
	w.told = w.busyUntil
	if left := w.busyUntil.Sub(now); left > 0 {
		out.Busy = &left
	}
	w.unsaid, w.urgent = false, false
	return out
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

// speak asks for a touch that says what cannot wait, but for one in a second only.
func (d *Directory) speak(e *entry) {
	if !e.word.urgent || !e.mustSpeak() {
		return
	}
	now := d.Now()
	wait := e.pace.spoke.Add(speakPace).Sub(now)
	if wait <= 0 {
		d.ask(e)
		return
	}
	if e.pace.overdue(now) || e.pace.due.After(now.Add(wait)) {
		d.rest(e, wait)
	}
}

// mustSpeak is whether a touch has something to say. Only a published session has: any other would be woken by it.
func (e *entry) mustSpeak() bool { return e.word.unsaid && e.view.State == Reachable }

// lasts is how long e stays awake after the latest touch, as the operator takes it.
func (e *entry) lasts() time.Duration { return max(e.idleAfter(), e.word.told.Sub(e.pace.seen)) }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
