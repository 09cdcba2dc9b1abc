package directory

import "context"

// Waiter is one request that waits for a session. While there is one, the session counts as needed.
type Waiter struct {
	d *Directory
	e *entry
}

// Await begins to wait. Begin before the touch, so that no news in between is lost; Done ends it.
func (d *Directory) Await(w Wish) *Waiter {
	s := d.shard(w.ID)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(w.ID)
	e.waiting++
	e.rouse()
	if w.IdleAfter > 0 {
		e.pace.wished = w.IdleAfter
	}
	return &Waiter{d: d, e: e}
}

// Done ends the wait. It must be called once.
func (w *Waiter) Done() {
	s := w.e.home
	s.mu.Lock()
	defer s.mu.Unlock()
	w.e.waiting--
	w.e.pace.needed = w.d.Now()
	w.d.drop(w.e)
}

// View is what is known now, and whether somebody must touch the session so that it comes: it is not wanted, as far as
// is known, or that was said too long ago.
func (w *Waiter) View() (v View, touch bool) {
	s := w.e.home
	s.mu.Lock()
	defer s.mu.Unlock()
	return *w.e.view, !w.e.coming() || w.e.pace.overdue(w.d.Now())
}

// Next is the first view newer than that version which ends a wait or may: Reachable, Failed or Absent. That a touch found
// nothing is newer than any. It waits for it until the context ends, and returns the cause of that.
func (w *Waiter) Next(ctx context.Context, after uint64) (View, error) {
	for {
		v, changed := w.look()
		if v.lost || v.Version > after && v.State != Unreachable {
			return *v, nil
		}
		select {
		case <-ctx.Done():
			return View{}, context.Cause(ctx)
		case <-changed:
		}
	}
}

// Coming says whether a session was touched lately and is on its way, and as of which version.
func (d *Directory) Coming(id ID) (version uint64, coming bool) {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil || !e.coming() || e.pace.overdue(d.Now()) {
		return 0, false
	}
	return e.view.Version, true
}

// coming is whether the session was touched and has not fallen asleep since, so that it will be published or fail.
func (e *entry) coming() bool {
	switch e.view.State {
	case Unreachable:
		return !e.view.Unwanted
	case Absent:
		return !e.view.Activity.IsZero()
	}
	return false
}

func (w *Waiter) look() (*View, <-chan struct{}) {
	s := w.e.home
	s.mu.Lock()
	defer s.mu.Unlock()
	if w.e.changed == nil {
		w.e.changed = make(chan struct{})
	}
	return w.e.view, w.e.changed
}

func (e *entry) tellWaiters() {
	if e.changed != nil {
		close(e.changed)
		e.changed = nil
	}
}
