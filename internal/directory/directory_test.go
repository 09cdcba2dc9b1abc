package directory_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

var alice = directory.ID{Namespace: "games", Name: "chess.alice"}

// world is a directory and what it asked for.
type world struct {
	*directory.Directory
	mu      sync.Mutex
	touches []directory.Need
	at      []time.Time
	settled atomic.Int32
	ended   []string
}

func newWorld() *world {
	w := &world{}
	w.Directory = &directory.Directory{
		Now: time.Now,
		Touch: func(n directory.Need) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.touches = append(w.touches, n)
			w.at = append(w.at, time.Now())
		},
		Settled: func() { w.settled.Add(1) },
		Ended:   func(uid string) { w.ended = append(w.ended, uid) },
	}
	return w
}

func (w *world) asked() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.touches)
}

func (w *world) firstAsked() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.at[0]
}

type change func(*directory.View)

func awake(version uint64, epoch int64, more ...change) directory.View {
	v := directory.View{
		Version: version, UID: "s", State: directory.Reachable, Epoch: epoch, IdleAfter: time.Minute, Counts: true,
		Pod: directory.Pod{UID: pod(epoch), Address: "127.0.0.1", Port: 8080},
	}
	for _, c := range more {
		c(&v)
	}
	return v
}

func pod(epoch int64) string { return "pod-" + string(rune('0'+epoch)) }

func unpublished(version uint64, epoch int64, more ...change) directory.View {
	v := directory.View{
		Version: version, UID: "s", State: directory.Unreachable, Epoch: epoch, IdleAfter: time.Minute, Counts: true,
	}
	for _, c := range more {
		c(&v)
	}
	return v
}

func absent(version uint64) directory.View { return directory.View{Version: version} }

func unwanted(v *directory.View) { v.Unwanted = true }

func forced(until time.Time) change {
	return func(v *directory.View) { v.Forced, v.Deadline = true, until }
}

func touchedAt(t time.Time) change { return func(v *directory.View) { v.Activity = t } }

func idleAfter(d time.Duration) change { return func(v *directory.View) { v.IdleAfter = d } }

func enter(t *testing.T, d *directory.Directory) *directory.Visit {
	t.Helper()
	v, ok := d.Enter(alice)
	if !ok {
		t.Fatal("the session cannot be entered")
	}
	return v
}

func closing(v *directory.Visit) bool {
	select {
	case <-v.Closing():
		return true
	default:
		return false
	}
}

// 004-04, 004-12: asking for a name starts nothing, and finds nothing that is unpublished.
func TestEnterKnowsOnlyWhatIsReachable(t *testing.T) {
	w := newWorld()
	if _, ok := w.Enter(alice); ok {
		t.Error("entered a session that nobody has seen")
	}
	w.Apply(alice, awake(3, 1))
	v := enter(t, w.Directory)
	if v.Pod().UID != "pod-1" || v.Epoch() != 1 || v.SessionUID() != "s" {
		t.Errorf("the visit goes to %+v, epoch %d of %s", v.Pod(), v.Epoch(), v.SessionUID())
	}
	w.Apply(alice, awake(4, 1, func(v *directory.View) { v.Gone = true }))
	if _, ok := w.Enter(alice); ok {
		t.Error("entered a session that is being deleted")
	}
	w.Apply(alice, unpublished(5, 1))
	if _, ok := w.Enter(alice); ok {
		t.Error("entered a session that is unpublished")
	}
	if w.asked() != 0 {
		t.Error("looking asked for a touch")
	}
}

// 004-13, 004-14: the end of a session removes its pod, and only that; an older word does not bring it back.
func TestAddressOnlyWhilePublished(t *testing.T) {
	w := newWorld()
	bob := directory.ID{Namespace: "games", Name: "chess.bob"}
	w.Apply(alice, awake(1, 1))
	w.Apply(bob, awake(2, 2))
	if p, ok := w.Address("pod-1"); !ok || p.Address != "127.0.0.1" {
		t.Errorf("Address = %v, %v", p, ok)
	}
	w.SetStale(true)
	if _, ok := w.Address("pod-1"); ok {
		t.Error("a stale directory gives an address")
	}
	w.SetStale(false)
	w.Apply(alice, absent(5))
	w.Apply(alice, awake(1, 1))
	if _, ok := w.Address("pod-1"); ok {
		t.Error("the address of a pod that is gone")
	}
	if _, ok := w.Address("pod-2"); !ok {
		t.Error("the address of another pod went too")
	}
	if len(w.ended) != 1 || w.ended[0] != "pod-1" {
		t.Errorf("ended: %v", w.ended)
	}
	if w.Len() != 1 {
		t.Errorf("%d entries", w.Len())
	}
}

// 000-15, 000-17: a request that found the session just before it was unpublished is seen by whoever vouches for it.
func TestVisitBeforeUnpublishIsUnsettled(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 1))
	v := enter(t, w.Directory)
	if !w.Apply(alice, unpublished(2, 1, unwanted)) {
		t.Error("Apply does not say that a sleep waits")
	}
	w.Advance(2)
	if mark, unsettled := w.Sight(10); mark != 2 || len(unsettled) != 1 || unsettled[0] != "s" {
		t.Errorf("Sight = %d, %v", mark, unsettled)
	}
	if w.asked() != 1 {
		t.Errorf("%d touches asked for, want 1", w.asked())
	}
	w.Touched(alice, unpublished(3, 1, touchedAt(time.Now())))
	if _, unsettled := w.Sight(10); len(unsettled) != 0 || w.settled.Load() != 1 {
		t.Errorf("after the touch: %v unsettled, told %d times", unsettled, w.settled.Load())
	}
	v.Leave()
}

func TestSettledByTheEndOfTheRequest(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 1))
	v := enter(t, w.Directory)
	w.Apply(alice, unpublished(2, 1, unwanted))
	v.Leave()
	v.Leave()
	if w.Unsettled() != 0 || w.settled.Load() != 1 {
		t.Errorf("%d unsettled, told %d times", w.Unsettled(), w.settled.Load())
	}
}

func TestSettledByNotFound(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 1))
	defer enter(t, w.Directory).Leave()
	w.Apply(alice, unpublished(2, 1, unwanted))
	w.Lost(alice, "another")
	if w.Unsettled() != 1 {
		t.Error("settled by the loss of another Session of that name")
	}
	w.Lost(alice, "s")
	if w.Unsettled() != 0 || w.Len() != 0 {
		t.Errorf("%d unsettled, %d entries", w.Unsettled(), w.Len())
	}
}

// A touch that was asked for before the unpublish, and is not in, settles nothing (000-12, 000-15).
func TestATouchUnderWaySettlesNothing(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 1, func(v *directory.View) { v.Listed = true }))
	defer enter(t, w.Directory).Leave()
	if w.asked() != 1 {
		t.Fatalf("%d touches asked for", w.asked())
	}
	w.Apply(alice, unpublished(2, 1, unwanted))
	if w.Unsettled() != 1 {
		t.Error("settled by a touch that is under way")
	}
	w.Touched(alice, unpublished(3, 1, touchedAt(time.Now())))
	if w.Unsettled() != 0 {
		t.Error("not settled by a touch that is in")
	}
}

// A late operator may write an older epoch into a newer version: it is not dialled.
func TestAnOlderEpochNeverComesBack(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 2))
	w.Apply(alice, awake(2, 1))
	if v := enter(t, w.Directory); v.Epoch() != 2 {
		t.Errorf("entered epoch %d after 2", v.Epoch())
	}
	w.Apply(alice, awake(3, 1, func(v *directory.View) { v.UID = "made again" }))
	if v := enter(t, w.Directory); v.Epoch() != 1 {
		t.Errorf("a Session made again begins with epoch %d", v.Epoch())
	}
	w.Apply(alice, absent(4))
}

// An answer that is older than the unpublish does not settle it: the touch is asked for again.
func TestOldAnswerSettlesNothing(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(3, 1))
	defer enter(t, w.Directory).Leave()
	w.Apply(alice, unpublished(5, 1, unwanted))
	w.Touched(alice, awake(4, 1))
	if w.Unsettled() != 1 || w.asked() != 2 {
		t.Errorf("%d unsettled, %d touches asked for", w.Unsettled(), w.asked())
	}
}

func TestForcedDrainIsSettledByItsDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Apply(alice, awake(1, 1))
		v := enter(t, w.Directory)
		w.Apply(alice, unpublished(2, 1, forced(time.Now().Add(10*time.Second))))
		time.Sleep(9 * time.Second)
		if w.Unsettled() != 1 || w.asked() != 0 {
			t.Errorf("before: %d unsettled, %d touches asked for", w.Unsettled(), w.asked())
		}
		time.Sleep(time.Second + time.Millisecond)
		if w.Unsettled() != 0 || w.settled.Load() != 1 {
			t.Errorf("after: %d unsettled, told %d times", w.Unsettled(), w.settled.Load())
		}
		v.Leave()
		w.Apply(alice, absent(3))
	})
}

// A touch that failed while its answer is owed is asked for again.
func TestMissedTouchComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Apply(alice, awake(1, 1))
		v := enter(t, w.Directory)
		w.Apply(alice, unpublished(2, 1, unwanted))
		w.Missed(alice)
		time.Sleep(1100 * time.Millisecond)
		if w.asked() != 2 {
			t.Errorf("%d touches asked for, want 2", w.asked())
		}
		v.Leave()
		w.Missed(alice)
		w.Apply(alice, absent(3))
	})
}

func TestSightHoldsBack(t *testing.T) {
	w := newWorld()
	for i := range uint64(5) {
		id := directory.ID{Namespace: "games", Name: "chess.n" + string(rune('0'+i))}
		w.Apply(id, awake(1+i, 1, func(v *directory.View) { v.UID = id.Name }))
		v, _ := w.Enter(id)
		defer v.Leave()
		w.Apply(id, unpublished(10+i, 1, unwanted, func(v *directory.View) { v.UID = id.Name }))
	}
	w.Advance(20)
	mark, unsettled := w.Sight(3)
	if mark != 12 || len(unsettled) != 3 {
		t.Errorf("Sight(3) = %d, %v: want 12, below the fourth", mark, unsettled)
	}
	if mark, unsettled = w.Sight(5); mark != 20 || len(unsettled) != 5 {
		t.Errorf("Sight(5) = %d, %v", mark, unsettled)
	}
}

func TestOpenConnections(t *testing.T) {
	t.Run("that count hold the session, those that do not are told to close", func(t *testing.T) {
		for _, counts := range []bool{true, false} {
			w := newWorld()
			set := func(v *directory.View) { v.Counts = counts }
			w.Apply(alice, awake(1, 1, set))
			v := enter(t, w.Directory)
			v.Upgraded()
			w.Apply(alice, unpublished(2, 1, unwanted, set))
			if closing(v) == counts || (w.Unsettled() == 1) != counts || (w.asked() == 1) != counts {
				t.Errorf("counts %v: closing %v, %d unsettled, %d touches", counts, closing(v), w.Unsettled(), w.asked())
			}
			if counts && !w.touches[0].Connection {
				t.Error("the touch is not for a connection")
			}
			v.Leave()
		}
	})
	t.Run("end with their epoch", func(t *testing.T) {
		w := newWorld()
		w.Apply(alice, awake(1, 1))
		v := enter(t, w.Directory)
		v.Upgraded()
		late := enter(t, w.Directory)
		w.Apply(alice, awake(2, 2))
		late.Upgraded()
		if !closing(v) || !closing(late) {
			t.Error("a connection to a pod that has ended is not told to close")
		}
		v.Leave()
		late.Leave()
		w.Apply(alice, unpublished(3, 2, unwanted))
		if w.Unsettled() != 0 {
			t.Error("the visits of an earlier epoch count")
		}
	})
	t.Run("are told to close by a forced drain", func(t *testing.T) {
		w := newWorld()
		w.Apply(alice, awake(1, 1))
		v := enter(t, w.Directory)
		v.Upgraded()
		w.Apply(alice, unpublished(2, 1, forced(time.Time{})))
		if !closing(v) || w.Unsettled() != 1 {
			t.Errorf("closing %v, %d unsettled", closing(v), w.Unsettled())
		}
		v.Leave()
	})
}

// Who waits is told that the Session is gone, though nothing was ever in sight of it.
func TestWaiterIsToldOfALoss(t *testing.T) {
	w := newWorld()
	waiter := w.Await(directory.Wish{ID: alice})
	w.Touched(alice, directory.View{Version: 5, Activity: time.Now()})
	w.Lost(alice, "")
	if _, err := waiter.Next(context.Background(), 5); err != nil {
		t.Error(err)
	}
	if _, touch := waiter.View(); !touch {
		t.Error("a session that is lost needs no touch")
	}
	waiter.Done()
	w.Apply(alice, awake(6, 1))
	enter(t, w.Directory).Leave()
}

func TestWaiter(t *testing.T) {
	w := newWorld()
	waiter := w.Await(directory.Wish{ID: alice})
	if _, touch := waiter.View(); !touch {
		t.Error("a session that nobody has seen needs no touch")
	}
	w.Touched(alice, directory.View{Version: 5, Activity: time.Now()})
	if _, touch := waiter.View(); touch {
		t.Error("a session that was just touched needs another")
	}
	got := make(chan directory.View)
	go func() {
		v, _ := waiter.Next(context.Background(), 5)
		got <- v
	}()
	w.Apply(alice, absent(4))
	w.Apply(alice, unpublished(6, 0))
	w.Apply(alice, awake(7, 1))
	if v := <-got; v.Version != 7 {
		t.Errorf("Next gave version %d", v.Version)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := waiter.Next(ctx, 7); !errors.Is(err, context.Canceled) {
		t.Errorf("Next after the end of its context: %v", err)
	}
	waiter.Done()
}
