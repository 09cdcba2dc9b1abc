package slots

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

var chess = ID{"games", "chess"}

func table(n int) ID { return ID{"games", fmt.Sprintf("chess.%d", n)} }

// Whatever is taken, freed and waited for, no more places are taken than the limit says, and the queue is served in its
// order (000-60).
func TestNeverMoreThanTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(1, 3).Draw(t, "limit")
		s := &Slots{Freed: func(ID) {}}
		taken := map[ID]bool{}
		var queue []ID
		for range rapid.IntRange(1, 60).Draw(t, "turns") {
			id := table(rapid.IntRange(0, 6).Draw(t, "id"))
			if rapid.Bool().Draw(t, "free") {
				s.Free(chess, id)
				delete(taken, id)
				queue = without(queue, id)
				continue
			}
			place := len(queue)
			for i, q := range queue {
				if q == id {
					place = i
				}
			}
			want := taken[id] || place < limit-len(taken)
			if room := s.Room(chess, id, limit); room != want {
				t.Fatalf("room for %v is %v, want %v; taken %v, queue %v", id, room, want, taken, queue)
			}
			if s.Take(chess, id, limit) {
				taken[id] = true
				queue = without(queue, id)
			} else if s.Wait(chess, id); len(without(queue, id)) == len(queue) {
				queue = append(queue, id)
			}
			if len(taken) > limit {
				t.Fatalf("%d places taken of %d", len(taken), limit)
			}
		}
	})
}

func without(ids []ID, id ID) (left []ID) {
	for _, i := range ids {
		if i != id {
			left = append(left, i)
		}
	}
	return left
}

func TestFreeCallsTheFirstInTheQueue(t *testing.T) {
	var called []ID
	s := &Slots{Freed: func(id ID) { called = append(called, id) }}
	s.Take(chess, table(1), 1)
	s.Wait(chess, table(2))
	s.Wait(chess, table(3))
	s.Free(chess, table(1))
	if len(called) != 1 || called[0] != table(2) {
		t.Fatalf("called %v", called)
	}
	if s.Room(chess, table(3), 1) {
		t.Error("the second in the queue came before the first")
	}
}

func TestSeedAsksOnce(t *testing.T) {
	s, asked := &Slots{}, 0
	for range 2 {
		if err := s.Seed(chess, func() ([]ID, error) { asked++; return []ID{table(1)}, nil }); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 || s.Room(chess, table(2), 1) || !s.Room(chess, table(1), 1) {
		t.Errorf("asked %d times", asked)
	}
}
