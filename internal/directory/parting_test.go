package directory_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

func countsBytes(v *directory.View) { v.Counts, v.CountsBytes = false, true }

// An open connection that ends in order holds the watermark until it has left, and does not take the sleep back.
func TestConnectionThatParts(t *testing.T) {
	for name, drain := range map[string]change{"asleep": unwanted, "by force": forced(time.Time{})} {
		t.Run(name, func(t *testing.T) {
			w := newWorld()
			w.Apply(alice, awake(1, 1, countsBytes))
			v := enter(t, w.Directory)
			v.Parts()
			v.Upgraded()
			late := enter(t, w.Directory)
			late.Parts()
			w.Apply(alice, unpublished(2, 1, drain, countsBytes))
			if !closing(v) || w.Unsettled() != 1 {
				t.Errorf("closing %v, %d unsettled", closing(v), w.Unsettled())
			}
			before := w.asked()
			late.Upgraded() // its request is over, and it parts at once
			v.Leave()
			v.Leave()
			if !closing(late) || w.Unsettled() != 1 {
				t.Errorf("late: closing %v, %d unsettled", closing(late), w.Unsettled())
			}
			w.Advance(2)
			late.Leave()
			if mark, unsettled := w.Sight(10); mark != 2 || len(unsettled) != 0 {
				t.Errorf("vouches for %d but %v", mark, unsettled)
			}
			if w.asked() != before {
				t.Error("a connection that parts takes the sleep back")
			}
			w.Missed(alice) // the touch of the late one, while it was a request
			if w.Apply(alice, absent(3)); w.Len() != 0 {
				t.Error("an entry is left")
			}
		})
	}
}

// A connection that parts is told once, and never counts below nothing.
func TestPartingEndsWithTheEpoch(t *testing.T) {
	w := newWorld()
	w.Apply(alice, awake(1, 1, countsBytes))
	v := enter(t, w.Directory)
	v.Parts()
	v.Upgraded()
	w.Apply(alice, unpublished(2, 1, unwanted, countsBytes))
	if w.asked() != 0 {
		t.Error("it takes the sleep back")
	}
	w.Apply(alice, awake(3, 1, countsBytes)) // taken back by somebody else
	w.Apply(alice, unpublished(4, 1, unwanted, countsBytes))
	if w.Unsettled() != 1 {
		t.Errorf("%d unsettled", w.Unsettled())
	}
	w.Apply(alice, awake(5, 2, countsBytes))
	v.Leave()
	w.Apply(alice, unpublished(6, 2, unwanted, countsBytes))
	if w.Unsettled() != 0 {
		t.Errorf("%d unsettled of another epoch", w.Unsettled())
	}
}

// Where bytes count, a session is awake for its idle time after the last of them, and an open connection alone does not hold it. Where
// requests count, bytes are nothing.
func TestBytesAreNeed(t *testing.T) {
	for name, c := range map[string]struct {
		counts change
		more   bool // touches while bytes go by
	}{
		"bytes":    {countsBytes, true},
		"requests": {func(v *directory.View) { v.Counts = false }, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.Apply(alice, awake(1, 1, c.counts, touchedAt(time.Now())))
				v := enter(t, w.Directory)
				v.Upgraded()
				for range 10 {
					time.Sleep(10 * time.Second)
					v.Needed()
					if w.asked() > 0 {
						break
					}
				}
				if got := w.asked() > 0; got != c.more {
					t.Fatalf("%d touches while bytes go by", w.asked())
				}
				asked := w.asked()
				w.Touched(alice, awake(2, 1, c.counts, touchedAt(time.Now())))
				time.Sleep(10 * time.Minute)
				if w.asked() != asked {
					t.Error("touched, and nothing goes by")
				}
				w.Apply(alice, unpublished(3, 1, unwanted, c.counts))
				v.Needed()
				if w.asked() != asked {
					t.Error("the last bytes of a connection that ends take the sleep back")
				}
				v.Leave()
				v.Needed()
			})
		})
	}
}

// Who waits for a session is told of each publication, and of none twice.
func TestReached(t *testing.T) {
	w := newWorld()
	var told []directory.ID
	w.Reached = func(id directory.ID) { told = append(told, id) }
	w.Apply(alice, awake(1, 1))
	w.Apply(alice, awake(2, 1))
	w.Apply(alice, unpublished(3, 1, unwanted))
	w.Apply(alice, awake(4, 1))
	w.Apply(alice, awake(5, 2))
	w.Apply(alice, absent(6))
	if len(told) != 3 || told[0] != alice {
		t.Errorf("told %v", told)
	}
}
