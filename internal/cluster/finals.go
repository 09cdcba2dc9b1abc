package cluster

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

const (
	// finalFor is how long after the answer that no request wakes a session the next request for it is no touch at first, but a look.
	finalFor = time.Minute
	// mostFinals bounds for how many sessions that is remembered. Requests for what is beyond cost a touch each.
	mostFinals = 1024
	// lookTimeout is how long a look may take. What follows then is a touch, as if it had never been tried.
	lookTimeout = 2 * time.Second
)

// finals remembers the sessions that no request woke when one was last made: completed, suspended or being deleted, and out of this
// gateway's sight. A client that asks for them again and again costs reads, and no write. It is only a hint: what is refused is
// refused by what the API server says now, so that a session which can be woken again is woken at once.
type finals struct {
	looks singleflight.Group

	mu     sync.Mutex
	timers map[directory.ID]*time.Timer
}

// note takes up what a touch found, or a look.
func (f *finals) note(id directory.ID, v *directory.View) {
	if v.State != directory.Absent || !isFinal(v) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if t := f.timers[id]; t != nil {
		t.Reset(finalFor)
		return
	}
	if len(f.timers) >= mostFinals {
		return
	}
	if f.timers == nil {
		f.timers = map[directory.ID]*time.Timer{}
	}
	f.timers[id] = time.AfterFunc(finalFor, func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		delete(f.timers, id)
	})
}

func (f *finals) knows(id directory.ID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.timers[id] != nil
}

// isFinal is whether no request wakes a session, as a view of it says.
func isFinal(v *directory.View) bool { return v.Gone || v.Failure.Final != 0 }

// stillFinal is the refusal of a request for a session that was final when it was wanted last, if it still is. However many ask, one
// looks, and it goes on when the context of the one who asked first ends.
func (w *waker) stillFinal(ctx context.Context, id directory.ID) error {
	if !w.finals.knows(id) {
		return nil
	}
	flight := w.finals.looks.DoChan(id.Namespace+"/"+id.Name, func() (any, error) {
		return nil, w.look(context.WithoutCancel(ctx), id)
	})
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case r := <-flight:
		return r.Err
	}
}

// look reads a session from the API server itself. Whatever it cannot tell is left to the touch that follows.
func (w *waker) look(ctx context.Context, id directory.ID) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	s := &v1alpha1.Session{}
	if err := w.client.Get(ctx, client.ObjectKey{Namespace: id.Namespace, Name: id.Name}, s); err != nil {
		return nil //nolint:nilerr // as above
	}
	v := viewOf(s, 0, w.rules(s))
	w.finals.note(id, &v)
	if !isFinal(&v) {
		return nil
	}
	_, refusal := w.verdict(v)
	return refusal
}
