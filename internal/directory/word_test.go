package directory_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

func saying(w directory.Word) change { return func(v *directory.View) { v.Word = w } }

func idles(d time.Duration) directory.Word { return directory.Word{IdleAfter: &d} }

func busy(d time.Duration) directory.Word { return directory.Word{Busy: &d} }

// lasts is how long the operator leaves the session awake after the latest touch.
func (a *api) lasts() time.Duration {
	after := a.idle
	if a.said.IdleAfter != nil {
		after = *a.said.IdleAfter
	}
	if a.said.Busy != nil {
		after = max(after, *a.said.Busy)
	}
	return after
}

// inDrain is whether a sleep at once is taken back in its drain: somebody is in flight, and touches.
func (a *api) inDrain() bool {
	return a.inFlight.Load() > 0 && a.said.IdleAfter != nil && *a.said.IdleAfter == 0
}

// noteRace notes that a touch was under way while one came that lets the session sleep at once: it is demand as any other.
func (a *api) noteRace(at time.Time, says directory.Word) {
	now := says.IdleAfter != nil && *says.IdleAfter == 0
	was := a.said.IdleAfter != nil && *a.said.IdleAfter == 0
	a.race = was && !now && at.Before(a.touched.Add(time.Millisecond))
}

// pass lets time pass, and says whether the session is awake since.
func (a *api) pass(d time.Duration) bool {
	for end := time.Now().Add(d); time.Now().Before(end) && !a.asleep(); {
		time.Sleep(min(a.idle/500, time.Until(end)))
	}
	return !a.asleep()
}

// says is one request, which is answered with a word at its end.
func (a *api) says(t *testing.T, gateway int, w directory.Word) {
	t.Helper()
	v := enter(t, a.gateways[gateway])
	v.Says(w)
	v.Leave()
}

func (a *api) wantAwake(t *testing.T, d time.Duration) {
	t.Helper()
	if !a.pass(d) {
		t.Errorf("asleep %v after the latest touch, which said %v", time.Since(a.touched), a.said)
	}
}

// wantSleep wants the session to be asleep within that time. Nothing of it may be left, and no touch may come that would wake it.
func (a *api) wantSleep(t *testing.T, d time.Duration) {
	t.Helper()
	if a.pass(d) {
		t.Errorf("awake %v after the latest touch, which said %v", time.Since(a.touched), a.said)
	}
	a.end()
	if a.late > 0 {
		t.Error("touched in its sleep")
	}
	for _, g := range a.gateways {
		if g.Len() != 0 {
			t.Errorf("%d entries are left", g.Len())
		}
	}
}

// end puts the session to sleep, and lets what is under way come to its end.
func (a *api) end() {
	a.mu.Lock()
	a.up = false
	a.tell(absent(a.version + 1))
	a.mu.Unlock()
	time.Sleep(time.Minute)
}

// 000-26, 000-63: what the process does after its reply keeps it awake for as long as it said.
func TestBusyWorkloadStaysAwake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(3*time.Second, 2)
		a.says(t, 0, busy(10*time.Minute))
		a.wantAwake(t, 5*time.Minute)
		enter(t, a.gateways[1]).Leave()
		a.wantAwake(t, 5*time.Minute-time.Second)
		a.wantSleep(t, 2*time.Second)
	})
}

func TestBusyIsRenewedAndEnded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(3*time.Second, 2)
		a.says(t, 0, busy(time.Minute))
		a.wantAwake(t, 50*time.Second)
		a.says(t, 1, busy(time.Minute))
		a.wantAwake(t, 59*time.Second)
		a.says(t, 0, busy(24*time.Hour))
		a.wantAwake(t, time.Hour)
		a.says(t, 1, busy(0))
		a.wantSleep(t, 5*time.Second)
	})
}

// 000-36: a lease that each answer renews costs no write each.
func TestBusyCostsNoTouchForEachAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(time.Minute, 1)
		for range 600 {
			a.says(t, 0, busy(10*time.Minute))
			time.Sleep(time.Second)
		}
		if n := a.count(); n < 8 || n > 12 {
			t.Errorf("%d touches by 600 answers in ten minutes, each of which said 10m: want one each tenth of that", n)
		}
		a.tell(absent(10000))
	})
}

// 000-10: it is asleep within the second, and at once if it has said nothing for a while.
func TestTold0SleepsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(time.Hour, 2)
		a.says(t, 0, idles(0))
		a.wantSleep(t, 2*lag+a.idle/500)
	})
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(time.Hour, 1)
		a.says(t, 0, idles(time.Minute))
		a.wantAwake(t, 10*time.Millisecond)
		a.says(t, 0, idles(0))
		a.wantSleep(t, time.Second+2*lag+a.idle/500)
	})
}

// A request in flight, or one that comes, is in the way of a sleep; and the template's time holds from then on.
func TestRequestTakesBackASleepByWord(t *testing.T) {
	for name, second := range map[string]func(t *testing.T, a *api){
		"in flight": func(t *testing.T, a *api) {
			v := enter(t, a.gateways[0])
			a.says(t, 0, idles(0))
			time.Sleep(10 * time.Millisecond)
			if a.count() > 0 {
				t.Error("told to sleep with a request in flight")
			}
			enter(t, a.gateways[0]).Leave()
			v.Leave()
		},
		"while that is written": func(t *testing.T, a *api) {
			a.says(t, 0, idles(0))
			time.Sleep(lag / 2)
			enter(t, a.gateways[0]).Leave()
		},
		"after that was written": func(t *testing.T, a *api) {
			a.says(t, 0, idles(0))
			time.Sleep(2 * lag)
			enter(t, a.gateways[0]).Leave()
		},
		"at another gateway": func(t *testing.T, a *api) {
			a.says(t, 0, idles(0))
			time.Sleep(2 * lag)
			enter(t, a.gateways[1]).Leave()
		},
		"in flight at another gateway": func(t *testing.T, a *api) {
			v := enter(t, a.gateways[1])
			a.says(t, 0, idles(0))
			time.Sleep(2 * lag)
			v.Leave()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := newAPI(time.Minute, 2)
				second(t, a)
				time.Sleep(2 * lag) // the operator has not looked yet
				a.wantAwake(t, 53*time.Second)
				a.wantSleep(t, 30*time.Second)
			})
		})
	}
}

// 000-10, 000-57: a session with a short time of its own does not sleep between two touches, nor one with a long time early.
func TestIdleTimeOfItsOwnSetsThePace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(10*time.Minute, 2)
		a.says(t, 0, idles(2*time.Second))
		v := enter(t, a.gateways[1])
		a.wantAwake(t, time.Minute)
		v.Says(idles(4 * time.Hour))
		v.Leave()
		a.wantAwake(t, 4*time.Hour-time.Second)
		a.wantSleep(t, 2*time.Second)
	})
}

// Who was told to sleep while somebody was there sleeps when nobody is, whatever was touched meanwhile.
func TestTold0SleepsWhenTheLastHasGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(time.Minute, 1)
		v := enter(t, a.gateways[0])
		v.Says(idles(0))
		a.wantAwake(t, 10*time.Minute)
		if a.count() < 29 || a.said.IdleAfter != nil {
			t.Errorf("%d touches, the last says %v", a.count(), a.said)
		}
		v.Leave()
		a.wantSleep(t, time.Second+2*lag) // if it was touched just before
	})
}

// The touch that was under way when it was said does not say it, and its answer does not take it back (000-10).
func TestTold0WhileATouchIsUnderWayIsNotLost(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 1))
	first, last := enter(t, w.Directory), enter(t, w.Directory)
	w.Apply(alice, unpublished(2, 1, unwanted)) // which asks for a touch
	w.Apply(alice, awake(3, 1))
	w.Word(alice)
	after := enter(t, w.Directory)
	after.Says(idles(0))
	w.Touched(alice, awake(4, 1, touchedAt(time.Now())))
	for _, v := range []*directory.Visit{first, after, last} {
		v.Leave()
	}
	if word := w.Word(alice); word.IdleAfter == nil || *word.IdleAfter != 0 {
		t.Errorf("what the workload said is forgotten: %+v", word)
	}
	w.Apply(alice, absent(5))
}

// A request at another gateway takes back a sleep that waits to be told.
func TestRequestTakesBackASleepThatIsNotYetTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(10*time.Second, 2)
		a.says(t, 0, idles(time.Hour))
		time.Sleep(200 * time.Millisecond)
		a.says(t, 0, idles(0))
		time.Sleep(200 * time.Millisecond)
		a.says(t, 1, idles(time.Minute))
		a.wantAwake(t, 59*time.Second)
		a.wantSleep(t, 2*time.Second)
	})
}

// 000-36: a workload that changes its mind with each answer costs one touch a second.
func TestFickleWorkloadIsToldOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(time.Minute, 1)
		for i := range 1000 {
			a.says(t, 0, idles(time.Duration(90+i%2)*time.Second))
			a.says(t, 0, busy(time.Duration(i%2)*time.Hour))
			time.Sleep(10 * time.Millisecond)
		}
		if n := a.count(); n < 9 || n > 12 {
			t.Errorf("%d touches in ten seconds", n)
		}
		a.end()
	})
}

// A touch that another gateway had under way does not undo what was said meanwhile.
func TestWordIsNotLostToATouchUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAPI(3*time.Second, 2)
		under := time.Now()
		time.Sleep(time.Millisecond)
		a.says(t, 0, busy(time.Minute))
		time.Sleep(2 * lag)
		a.touch(a.gateways[1], alice, under, directory.Word{})
		a.wantAwake(t, 50*time.Second)
		a.wantSleep(t, 11*time.Second)
	})
}

// A touch that failed has said nothing.
func TestWordIsSaidAgainAfterAMiss(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.Apply(alice, awake(1, 1))
		v := enter(t, w.Directory)
		v.Says(busy(time.Minute))
		v.Leave()
		w.Word(alice)
		w.Missed(alice)
		time.Sleep(1100 * time.Millisecond)
		if got := w.Word(alice).Busy; w.asked() != 2 || got == nil || *got > 59*time.Second {
			t.Errorf("%d touches asked for, the second says %v", w.asked(), got)
		}
		w.Missed(alice)
		w.Apply(alice, absent(2))
	})
}

// What a pod said is not said for the next one, and no touch is asked for to say something of a session that falls asleep.
func TestWordEndsWithThePod(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 1))
	early := enter(t, w.Directory)
	w.Apply(alice, unpublished(2, 1, unwanted))
	w.Touched(alice, unpublished(3, 1, touchedAt(time.Unix(3, 0)))) // which takes the sleep back
	early.Says(idles(time.Hour))
	early.Leave()
	if w.asked() != 1 {
		t.Errorf("%d touches asked for: a session that is not published is touched for what its workload said", w.asked())
	}
	w.Apply(alice, awake(6, 2))
	early.Says(busy(time.Hour))
	if got := w.Word(alice); got != (directory.Word{}) {
		t.Errorf("the next touch says %v", got)
	}
}

// A gateway that has just started carries on what the touch before it said.
func TestWordIsCarriedOnByAnotherGateway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		said := directory.Word{IdleAfter: idles(time.Hour).IdleAfter, Busy: busy(2 * time.Hour).Busy}
		w.Apply(alice, awake(1, 1, touchedAt(time.Now()), saying(said), func(v *directory.View) { v.Listed = true }))
		time.Sleep(30 * time.Minute)
		enter(t, w.Directory).Leave()
		if w.asked() != 1 {
			t.Errorf("%d touches asked for", w.asked())
		}
		if got := w.Word(alice); got.IdleAfter == nil || *got.IdleAfter != time.Hour || got.Busy == nil || *got.Busy != 90*time.Minute {
			t.Errorf("the next touch says %v", got)
		}
		w.Missed(alice)
		w.Apply(alice, absent(2))
	})
}

// speech is one request after another, each answered with a word or none. Times are hundredths of the template's idle time, less than
// zero for a word that is not said.
type speech struct {
	idle                       time.Duration
	gateways                   int
	pause, length, after, busy []int
}

func drawSpeech(rt *rapid.T) speech {
	n := rapid.IntRange(1, 12).Draw(rt, "requests")
	draw := func(name string, from ...int) []int {
		return rapid.SliceOfN(rapid.SampledFrom(from), n, n).Draw(rt, name)
	}
	gateways, least := rapid.IntRange(1, 3).Draw(rt, "gateways"), 4
	if gateways > 1 {
		least = 120 // so that what was said to one is known to all when the next is asked
	}
	return speech{
		idle:     time.Duration(rapid.IntRange(least, 3600).Draw(rt, "idle")) * time.Second,
		gateways: gateways,
		pause:    draw("pause", 1, 2, 8, 11, 30, 50, 90, 150),
		length:   draw("length", 0, 1, 8, 30, 110),
		after:    draw("after", -1, -1, 0, 25, 100, 400),
		busy:     draw("busy", -1, -1, 0, 10, 60, 300),
	}
}

// 000-08, 000-10, 000-26: whatever the workload said, a session sleeps early by at most a tenth of the idle time that holds, never
// while the workload is busy, and late by at most what lies between two touches.
func TestSessionSleepsByTheWordThatHolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := drawSpeech(rt)
		var fault string
		synctest.Test(t, func(t *testing.T) { fault = s.run(t) })
		if fault != "" {
			rt.Fatal(fault)
		}
	})
}

// holds is what holds by all that was said.
type holds struct {
	after, lease      time.Duration
	needed, busyUntil time.Time
	nap               bool
}

func (s speech) share(of int) time.Duration { return s.idle * time.Duration(of) / 100 }

func (s speech) run(t *testing.T) string {
	a := newAPI(s.idle, s.gateways)
	defer a.end()
	h := holds{after: s.idle, needed: time.Now()}
	for i := range s.pause {
		if !a.pass(s.share(s.pause[i])) {
			break
		}
		v := enter(t, a.gateways[i%len(a.gateways)])
		h.nap = false
		a.inFlight.Add(1)
		if !a.pass(s.share(s.length[i])) {
			return "asleep with a request in flight"
		}
		v.Says(s.word(i, &h))
		v.Leave()
		a.inFlight.Add(-1)
		h.needed = time.Now()
	}
	a.pass(24 * 365 * time.Hour)
	a.end()
	return h.judge(a)
}

// word is what the answer to a request says, and takes it down.
func (s speech) word(i int, h *holds) (w directory.Word) {
	if after := s.share(s.after[i]); s.after[i] >= 0 {
		w.IdleAfter, h.after = &after, after
		if after == 0 {
			h.nap = true

			h.after = s.idle
		}
	}
	if left := s.share(s.busy[i]); s.busy[i] >= 0 {
		w.Busy, h.lease, h.busyUntil = &left, left, time.Now().Add(left)
	}
	return w
}

func (h *holds) judge(a *api) string {
	slept, early, late := a.touched.Add(a.lasts()), h.after/10, h.after/3
	want := h.needed.Add(h.after)
	if h.nap {
		want, early, late = h.needed, 0, 0
	}
	if h.nap && a.race {
		late = 2 * h.after
	}
	// Touches of two gateways may cross, and the one that knows less may come last: that costs what was not worth a touch.
	if crossed := h.lease / 10 * time.Duration(min(1, len(a.gateways)-1)); slept.Before(h.busyUntil.Add(-crossed)) {
		return fmt.Sprintf("asleep %v before the workload was idle", h.busyUntil.Sub(slept))
	}
	if want.Before(h.busyUntil) {
		want = h.busyUntil
		early += h.lease / 10
	}
	const slack = 4 * lag
	if off := want.Sub(slept); off > early+slack {
		return fmt.Sprintf("asleep %v early, of %v", off, h.after)
	}
	if off := slept.Sub(want); off > late+h.lease+time.Second+slack {
		return fmt.Sprintf("asleep %v late, of %v", off, h.after)
	}
	if a.late > 0 {
		return "touched in its sleep"
	}
	return ""
}
