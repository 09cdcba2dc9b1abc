package census

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

var of = ID{"games", "chess"}

// beyond are the members that a limit leaves out, as simply as it can be said: all that have not begun, in their order, but for the
// first that those who have leave room for.
func beyond(limit int, members map[string]Member) map[string]bool {
	var waiting []Member
	room := limit
	for _, m := range members {
		if m.In {
			room--
			continue
		}
		waiting = append(waiting, m)
	}
	slices.SortFunc(waiting, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Born, b.Born), cmp.Compare(a.ID.Name, b.ID.Name))
	})
	out := map[string]bool{}
	for _, m := range waiting[min(max(room, 0), len(waiting)):] {
		out[m.ID.Name] = true
	}
	return out
}

// world is a census and all that it was told.
type world struct {
	census  Census
	limit   int
	members map[string]Member
	told    map[string]bool // those who were told last that they are beyond the limit
	lists   int
	uids    int
}

func newWorld(limit int) *world {
	w := &world{limit: limit, members: map[string]Member{}, told: map[string]bool{}}
	w.census.Moved = func(id ID) { w.told[id.Name] = !w.told[id.Name] }
	return w
}

func (w *world) all() (all []Member, err error) {
	w.lists++
	for _, m := range w.members {
		all = append(all, m)
	}
	return all, nil
}

func (w *world) ask(m Member) bool {
	delete(w.told, m.ID.Name)
	is, err := w.census.Ask(of, w.limit, w.all, m)
	if err != nil {
		panic(err)
	}
	w.told[m.ID.Name] = is
	return is
}

// agrees says what is not as in the model.
func (w *world) agrees() error {
	want := beyond(w.limit, w.members)
	for name := range w.members {
		if w.told[name] != want[name] {
			return fmt.Errorf("%s: told %v, is %v, with limit %d of %v", name, w.told[name], want[name], w.limit, w.members)
		}
	}
	return nil
}

// What everybody was told is what is so, whatever happens in whatever order; and as many begin as may (000-60).
func TestBeyondIsAsInTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(rapid.IntRange(0, 4).Draw(t, "limit"))
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
		t.Repeat(map[string]func(*rapid.T){
			"comes": func(t *rapid.T) {
				w.uids++
				m := Member{ID: ID{"games", name.Draw(t, "name")}, UID: fmt.Sprint(w.uids), Born: rapid.Int64Range(1, 3).Draw(t, "born")}
				m.In = rapid.IntRange(0, 9).Draw(t, "in") == 0
				w.members[m.ID.Name] = m
				w.ask(m)
			},
			"asks again": func(t *rapid.T) {
				if m, ok := w.members[name.Draw(t, "name")]; ok {
					m.In = false // of an older version of it
					w.ask(m)
				}
			},
			"begins": func(t *rapid.T) {
				m, ok := w.members[name.Draw(t, "name")]
				may := ok && !beyond(w.limit, w.members)[m.ID.Name]
				if w.census.Enter(of, m.ID.Name) != may {
					t.Fatalf("%s may begin: %v", m.ID.Name, may)
				}
				if may {
					m.In = true
					w.members[m.ID.Name] = m
				}
			},
			"goes": func(t *rapid.T) {
				n := name.Draw(t, "name")
				delete(w.members, n)
				delete(w.told, n)
				w.census.Gone(of, n)
			},
			"the limit changes": func(t *rapid.T) {
				w.limit = rapid.IntRange(0, 4).Draw(t, "limit")
				if err := w.census.Bound(of, w.limit, w.all); err != nil {
					t.Fatal(err)
				}
			},
			"": func(t *rapid.T) {
				if err := w.agrees(); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}

// crowd is a world with so many sessions that have not begun.
func crowd(n, limit int) *world {
	w := newWorld(limit)
	for i := range n {
		m := Member{ID: ID{"games", fmt.Sprintf("s%06d", i)}, UID: fmt.Sprint(i), Born: int64(i / 100)}
		w.members[m.ID.Name] = m
	}
	return w
}

// A place that becomes free is told to one, however many wait for it, and nobody is listed again (000-60).
func TestOneIsCalledForOnePlace(t *testing.T) {
	t.Parallel()
	const all, limit = 10_000, 1_000
	w := crowd(all, limit)
	var called []string
	w.census.Moved = func(id ID) { called = append(called, id.Name) }
	if !w.ask(w.members["s009999"]) || w.ask(w.members["s000000"]) {
		t.Fatal("the oldest are within the limit, and the others are not")
	}
	if len(called) != all-limit-1 {
		t.Fatalf("when they are counted first, %d are told that they are beyond the limit", len(called))
	}
	called = nil
	w.census.Gone(of, "s000007")
	if !slices.Equal(called, []string{"s001000"}) {
		t.Errorf("one is gone, and these are called: %v", called)
	}
	called = nil
	if err := w.census.Bound(of, limit+3, w.all); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(called); !slices.Equal(called, []string{"s001001", "s001002", "s001003"}) {
		t.Errorf("there is room for three more, and these are called: %v", called)
	}
	called = nil
	w.census.Drop(of)
	if len(called) != all-limit-4 || w.lists != 1 {
		t.Errorf("without a limit %d are called, after %d lists", len(called), w.lists)
	}
}

func TestNobodyIsCountedByHalf(t *testing.T) {
	t.Parallel()
	w, broken := newWorld(1), errors.New("broken")
	none := func() ([]Member, error) { return nil, broken }
	if _, err := w.census.Ask(of, 1, none, Member{ID: of}); !errors.Is(err, broken) {
		t.Error("an answer without a list:", err)
	}
	if w.census.Enter(of, "a") {
		t.Error("one begins that nobody has counted")
	}
}

// One turn of a session of a template with 100,000 of them: under the limit, and beyond it.
func BenchmarkAsk(b *testing.B) {
	for _, limit := range []int{200_000, 50_000} {
		b.Run(fmt.Sprint("limit ", limit), func(b *testing.B) {
			w := crowd(100_000, limit)
			w.census.Moved = func(ID) {}
			w.ask(w.members["s000000"])
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				m := Member{ID: ID{"games", "new"}, UID: fmt.Sprint(i), Born: 1 << 40}
				_, _ = w.census.Ask(of, limit, w.all, m)
				w.census.Gone(of, "new")
			}
		})
	}
}
