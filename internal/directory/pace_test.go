package directory_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// api is an API server with one session of a given idle time, an operator that puts it to sleep, and gateways that see
// each version a moment later.
type api struct {
	inFlight atomic.Int32 // requests, where a story tells

	idle     time.Duration
	gateways []*directory.Directory

	mu       sync.Mutex
	version  uint64
	touched  time.Time
	activity time.Time      // of the latest touch, as its gateway says
	said     directory.Word // by that
	touches  int
	late     int  // touches of a session that was asleep
	race     bool // a touch was under way while another let the session sleep at once
	up       bool
}

const lag = 5 * time.Millisecond

func newAPI(idle time.Duration, gateways int) *api {
	a := &api{idle: idle, up: true, touched: time.Now(), activity: time.Now()}
	for range gateways {
		d := &directory.Directory{Now: time.Now}
		d.Touch = func(n directory.Need) {
			time.AfterFunc(0, func() {
				_, seen := d.Last(n.ID)
				says, at := d.Word(n.ID), time.Now()
				if !at.After(seen) {
					at = seen.Add(time.Microsecond)
				}
				time.Sleep(lag)
				a.touch(d, n.ID, at, says)
			})
		}
		a.gateways = append(a.gateways, d)
	}
	a.tell(a.view())
	return a
}

func (a *api) view() directory.View {
	a.version++
	return awake(a.version, 1, idleAfter(a.idle), touchedAt(a.activity), saying(a.said))
}

func (a *api) touch(by *directory.Directory, id directory.ID, at time.Time, says directory.Word) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.up {
		a.late++
		by.Lost(id, "s")
		return
	}
	a.touches++
	a.noteRace(at, says)
	a.touched, a.activity, a.said = time.Now(), at, says
	v := a.view()
	by.Touched(id, v)
	a.tell(v)
}

func (a *api) tell(v directory.View) {
	for _, d := range a.gateways {
		d.Apply(alice, v)
	}
}

func (a *api) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.touches
}

// sleptEarly is how long before its time the session was put to sleep.
func (a *api) sleptEarly(needed time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	return needed.Sub(a.touched)
}

// asleep is whether the operator has put the session to sleep by now.
func (a *api) asleep() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.up && !a.inDrain() && time.Since(a.touched) >= a.lasts() {
		a.up = false
		a.version++
		a.tell(absent(a.version))
	}
	return !a.up
}

// 000-31, 000-36, 004-08: a wake costs one write; a request after it needs nobody but its pod.
func TestOneRequestCostsNoTouchAfterItsWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(time.Minute, 1)
		v := enter(t, a.gateways[0])
		time.Sleep(5 * time.Second)
		v.Leave()
		time.Sleep(50 * time.Second)
		if a.count() != 0 {
			t.Errorf("%d touches by a request that ended within a tenth of the idle time", a.count())
		}
		a.tell(absent(100))
	})
}

func TestBusySessionIsTouchedEachThird(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(time.Minute, 2)
		v := enter(t, a.gateways[0])
		other := enter(t, a.gateways[1])
		time.Sleep(10 * time.Minute)
		if a.count() < 29 || a.count() > 42 {
			t.Errorf("%d touches in 10 minutes by two gateways, want one each 16 to 20 seconds or little more", a.count())
		}
		v.Leave()
		other.Leave()
		before := a.count()
		time.Sleep(30 * time.Second)
		if a.count() > before+2 { // one of each gateway, where both come before they have seen the other's
			t.Errorf("%d touches after the last request", a.count()-before)
		}
		a.tell(absent(1000))
	})
}

// A gateway that has just started does not know how long ago the sessions in its list were touched.
func TestListedSessionIsTouchedByItsFirstVisit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Apply(alice, awake(1, 1, touchedAt(time.Now()), func(v *directory.View) { v.Listed = true }))
		time.Sleep(time.Hour)
		if w.asked() != 0 {
			t.Error("nobody needs it, and it is touched")
		}
		enter(t, w.Directory).Leave()
		enter(t, w.Directory).Leave()
		if w.asked() != 1 {
			t.Errorf("%d touches asked for, want 1", w.asked())
		}
	})
}

// A session that is on its way is wanted whatever the clock says: who waits for it does not get in the way of its publication.
func TestWhoWaitsTouchesRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		waiter := w.Await(directory.Wish{ID: alice, IdleAfter: 3 * time.Second})
		w.Touched(alice, unpublished(1, 0, touchedAt(time.Now()), idleAfter(3*time.Second)))
		time.Sleep(3900 * time.Millisecond)
		if w.asked() != 0 {
			t.Errorf("%d touches asked for while the session was on its way", w.asked())
		}
		time.Sleep(1200 * time.Millisecond)
		if w.asked() != 1 {
			t.Errorf("%d touches asked for in five seconds, want 1", w.asked())
		}
		w.Lost(alice, "s")
		waiter.Done()
		if w.Len() != 0 {
			t.Errorf("%d entries", w.Len())
		}
	})
}

// use is one request after another, each after a pause, at one gateway after the other. Times are thousandths of the idle
// time.
type use struct {
	idle          time.Duration
	gateways      int
	pause, length []int
}

func drawUse(rt *rapid.T) use {
	shares := rapid.SampledFrom([]int{0, 1, 5, 20, 80, 110, 150, 300, 500, 900, 1500})
	n := rapid.IntRange(1, 30).Draw(rt, "requests")
	return use{
		idle:     time.Duration(rapid.IntRange(1, 3600).Draw(rt, "idle")) * time.Second,
		gateways: rapid.IntRange(1, 3).Draw(rt, "gateways"),
		pause:    rapid.SliceOfN(shares, n, n).Draw(rt, "pause"),
		length:   rapid.SliceOfN(shares, n, n).Draw(rt, "length"),
	}
}

// 000-08: whatever the use, a session that is used sleeps early by at most a tenth of its idle time, and late by at most what
// lies between two touches.
func TestUsedSessionStaysAwake(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		u := drawUse(rt)
		var fault string
		synctest.Test(t, func(*testing.T) { fault = u.run() })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// run gives what is wrong with when the session slept, if anything is.
func (u use) run() string {
	a := newAPI(u.idle, u.gateways)
	needed := time.Now()
	for i := range u.pause {
		time.Sleep(u.idle * time.Duration(u.pause[i]) / 1000)
		if a.asleep() {
			break
		}
		v, ok := a.gateways[i%len(a.gateways)].Enter(alice)
		if !ok {
			return "the session cannot be entered"
		}
		time.Sleep(u.idle * time.Duration(u.length[i]) / 1000)
		if a.asleep() {
			return "asleep with a request in flight"
		}
		v.Leave()
		needed = time.Now()
	}
	return a.awaitSleep(needed)
}

// awaitSleep waits until the operator puts the session to sleep, and judges when it was.
func (a *api) awaitSleep(needed time.Time) string {
	for !a.asleep() {
		time.Sleep(a.idle / 1000)
	}
	early := a.sleptEarly(needed)
	if early > a.idle/10+2*lag {
		return fmt.Sprintf("asleep %v early, of %v", early, a.idle)
	}
	if late := -early; late > a.idle/3+2*lag {
		return fmt.Sprintf("asleep %v late, of %v", late, a.idle)
	}
	for _, d := range a.gateways {
		if d.Len() != 0 {
			return fmt.Sprintf("%d entries are left", d.Len())
		}
	}
	return ""
}

// Jitter keeps gateways from touching at one instant.
func TestTouchesOfGatewaysMeetSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at []time.Duration
		for range 50 {
			w := newWorld()
			w.Apply(alice, awake(1, 1, touchedAt(time.Now())))
			enter(t, w.Directory)
			began := time.Now()
			time.Sleep(21 * time.Second)
			at = append(at, w.firstAsked().Sub(began))
		}
		first, last := slices.Min(at), slices.Max(at)
		if first < 16*time.Second || last > 20*time.Second || last-first < 2*time.Second {
			t.Errorf("touches came %v to %v after the last, want 16s to 20s", first, last)
		}
	})
}

// The race detector is the judge of this one.
func TestEverythingAtOnce(t *testing.T) {
	w := newWorld()
	done := make(chan struct{})
	for range 8 {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 2000 {
				if v, ok := w.Enter(alice); ok {
					if rand.IntN(3) == 0 {
						v.Upgraded()
					}
					w.Address(v.Pod().UID)
					v.Leave()
				}
				w.Sight(1)
			}
		}()
	}
	for version := uint64(1); version < 6000; version += 3 {
		w.Apply(alice, awake(version, int64(version/3)))
		w.Apply(alice, unpublished(version+1, int64(version/3), unwanted))
		w.Touched(alice, unpublished(version+2, int64(version/3), touchedAt(time.Unix(int64(version), 0))))
		w.Advance(version)
	}
	for range 8 {
		<-done
	}
	w.Apply(alice, absent(10000))
	if w.Len() != 0 || w.Unsettled() != 0 {
		t.Errorf("%d entries, %d unsettled", w.Len(), w.Unsettled())
	}
}

func BenchmarkEnter(b *testing.B) {
	d := &directory.Directory{Now: time.Now}
	for i := range 10_000 {
		id := directory.ID{Namespace: "games", Name: "chess.n" + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))}
		d.Apply(id, awake(uint64(i+1), 1))
	}
	d.Apply(alice, awake(20_000, 1))
	b.ReportAllocs()
	for b.Loop() {
		v, _ := d.Enter(alice)
		v.Leave()
	}
}
