package directory_test

import (
	"fmt"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// The answer of a touch comes before the watch has come so far. What the watch has yet to bring of other sessions is news all the same; of that session nothing
// older is, and once the watch is there nothing older is of any.
func TestATouchIsNoNewsOfOthers(t *testing.T) {
	w := newWorld()
	w.Advance(94)
	touched := func(i int) directory.ID { return directory.ID{Namespace: "games", Name: fmt.Sprint("chess.", i)} }
	const all = 1000 // so that each shard has some
	for i := range all {
		waiter := w.Await(directory.Wish{ID: touched(i)})
		w.Touched(touched(i), absent(100))
		waiter.Done()
	}
	if w.Len() != 0 {
		t.Fatalf("%d entries", w.Len())
	}
	w.Apply(alice, awake(95, 1))
	enter(t, w.Directory).Leave()
	for i := range all {
		w.Apply(touched(i), awake(96, 1))
		if _, ok := w.Enter(touched(i)); ok {
			t.Fatal("what is older than the touch of a session holds")
		}
	}
	w.Advance(100)
	for i := range all {
		late := directory.ID{Namespace: "games", Name: fmt.Sprint("late.", i)}
		if w.Apply(late, awake(99, 1)); w.Len() != 1 {
			t.Fatal("what is older than all that the watch has brought is news")
		}
	}
}
