package directory

import (
	"math/rand/v2"
	"time"
)

// The pace of touches, as shares of the time after which a session falls asleep. A session in use is touched each third of
// it, less a jitter, so that of several gateways one comes first and the others see its touch. Use that ended within the
// first tenth after a touch asks for no other: it lets the session sleep early by that much at most, and keeps one short
// request from costing two writes.
const (
	paceShare      = 3
	toleranceShare = 10
	jitter         = 0.2
)

// retryAfter is when a touch that failed is asked for again: the touch itself has retried for seconds by then.
const retryAfter = time.Second

// comingPace is the time between touches of a session that is on its way. Until its pod is made, a touch keeps its place in the
// queue; after that no clock is asked whether it is wanted, and a touch is only in the way of the publication.
const comingPace = 5 * time.Second

// defaultIdle is taken while nobody has said after what time a session falls asleep: that of the API.
const defaultIdle = 5 * time.Minute

// pace is when a session was touched and needed last, and when it is looked at again.
type pace struct {
	wished time.Duration // the time to sleep as a wish said it; a View knows better
	seen   time.Time     // when the latest touch or publication came in, by our clock
	needed time.Time     // when the last visit or wait ended
	spoke  time.Time     // when a touch was asked for that has something to say
	due    time.Time
	timer  *time.Timer
}

func (p *pace) stop() {
	if p.timer != nil {
		p.timer.Stop()
	}
}

// overdue is whether no look at the session lies ahead.
func (p *pace) overdue(now time.Time) bool { return !p.due.After(now) }

func (e *entry) idleAfter() time.Duration {
	switch {
	case e.view.Word.IdleAfter != nil:
		return *e.view.Word.IdleAfter
	case e.view.IdleAfter > 0:
		return e.view.IdleAfter
	case e.pace.wished > 0:
		return e.pace.wished
	}
	return defaultIdle
}

// noticeTouch takes up the view of e if it shows a touch or a publication that the old one did not.
func (d *Directory) noticeTouch(e *entry, old *View) {
	touched := !e.view.Activity.IsZero() && !e.view.Activity.Equal(e.activity)
	published := e.view.State == Reachable && (old.State != Reachable || old.Pod.UID != e.view.Pod.UID)
	if !touched && !published {
		return
	}
	now := d.Now()
	if touched {
		e.hear(now)
		e.activity = e.view.Activity
	}
	if e.view.Listed {
		d.tire(e)
		return
	}
	e.pace.seen = now
	e.rested = false
	if e.view.Word.sleeps() {
		d.tire(e)
		return
	}
	d.rest(e, e.nextTouch())
	d.speak(e)
}

// nextTouch is how long after a touch the next one is due, if the session is needed then.
func (e *entry) nextTouch() time.Duration {
	after := e.lasts() / paceShare
	if e.coming() {
		after = comingPace
	}
	return time.Duration(float64(after) * (1 - jitter*rand.Float64())) //nolint:gosec // nobody gains by guessing it
}

// rest looks at e again after that time.
func (d *Directory) rest(e *entry, after time.Duration) {
	e.pace.due = d.Now().Add(after)
	if e.pace.timer == nil {
		e.pace.timer = time.AfterFunc(after, func() { d.look(e) })
		return
	}
	e.pace.timer.Reset(after)
}

// look asks for a touch of e, if one is due and somebody needs the session.
func (d *Directory) look(e *entry) {
	e.home.mu.Lock()
	defer e.home.mu.Unlock()
	if e.home.entries[e.id] != e || !e.pace.overdue(d.Now()) {
		return
	}
	d.settle(e)
	d.tire(e)
}

// tire asks for a touch of e if somebody needs the session, and else leaves it to the next visit.
func (d *Directory) tire(e *entry) {
	if !e.needsTouch(d.Now()) {
		e.rested = true
		return
	}
	d.ask(e)
}

func (e *entry) needsTouch(now time.Time) bool {
	lately := e.pace.seen.Add(e.lasts() / toleranceShare)
	return e.busy() || e.mustSpeak(now) || e.pace.needed.After(lately)
}

// ask asks for a touch, unless one is under way or would change nothing.
func (d *Directory) ask(e *entry) {
	e.rested = false
	if e.asked || d.Touch == nil || e.view.Gone || e.view.Forced || e.view.State == Failed {
		return
	}
	e.asked = true
	if e.word.unsaid {
		e.pace.spoke = d.Now()
	}
	d.Touch(Need{ID: e.id, Connection: e.conns > 0 && e.requests+e.waiting == 0})
}

// Asked is whether a touch was asked for, and what became of it was not told since.
func (d *Directory) Asked(id ID) bool {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	return e != nil && e.asked
}
