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

// beyond are the members that a limit leaves out, as simply as it can be said: of all that have not begun, in their order, those of whose
// tenant there are as many before them as it may have; and of the others, those who find as many before them as there may be.
func beyond(limits Limits, members map[string]Member) map[string]string {
	var waiting []Member
	room, of := limits.All, map[string]int{}
	for _, m := range members {
		if m.In {
			room--
			of[m.Tenant]++
			continue
		}
		waiting = append(waiting, m)
	}
	slices.SortFunc(waiting, func(a, b Member) int {
		return cmp.Or(cmp.Compare(a.Born, b.Born), cmp.Compare(a.ID.Name, b.ID.Name))
	})
	out := map[string]string{}
	for _, m := range waiting {
		if of[m.Tenant]++; of[m.Tenant] > limits.PerTenant {
			out[m.ID.Name] = LimitTenantSessions
			continue
		}
		if room--; room < 0 {
			out[m.ID.Name] = LimitSessions
		}
	}
	return out
}

// world is a census and all that it was told.
type world struct {
	census  Census
	limits  Limits
	members map[string]Member
	told    map[string]string // the limit that they were told last, or would be when they ask again, that they are beyond
	called  map[string]bool   // since they were told
	lists   int
	uids    int
}

func newWorld(limits Limits) *world {
	w := &world{limits: limits, members: map[string]Member{}, told: map[string]string{}, called: map[string]bool{}}
	w.census.Moved = func(id ID) { w.called[id.Name] = true }
	return w
}

func (w *world) all() (all []Member, err error) {
	w.lists++
	for _, m := range w.members {
		all = append(all, m)
	}
	return all, nil
}

func (w *world) ask(m Member) string {
	is, err := w.census.Ask(of, w.limits, w.all, m)
	if err != nil {
		panic(err)
	}
	w.told[m.ID.Name] = is
	return is
}

// agrees says what is not as in the model. Whoever was told what is not so any more has been called, and nobody else.
func (w *world) agrees() error {
	want := beyond(w.limits, w.members)
	for name := range w.members {
		if changed := w.told[name] != want[name]; w.called[name] != changed {
			return fmt.Errorf("%s: told %q, is %q, called: %v, with %+v of %v", name, w.told[name], want[name], w.called[name], w.limits, w.members)
		}
	}
	w.told, w.called = want, map[string]bool{}
	return nil
}

// What everybody was told is what is so, whatever happens in whatever order; and as many begin as may (000-60).
func TestBeyondIsAsInTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{0, 1, 2, 3, 4, Unlimited})
		limits := func(t *rapid.T) Limits {
			return Limits{All: limit.Draw(t, "limit"), PerTenant: limit.Draw(t, "per tenant")}
		}
		w := newWorld(limits(t))
		name := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g"})
		t.Repeat(map[string]func(*rapid.T){
			"comes": func(t *rapid.T) {
				w.uids++
				m := Member{ID: ID{"games", name.Draw(t, "name")}, UID: fmt.Sprint(w.uids), Born: rapid.Int64Range(1, 3).Draw(t, "born")}
				m.Tenant = rapid.SampledFrom([]string{"", "alice", "bob"}).Draw(t, "tenant")
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
				may := ok && beyond(w.limits, w.members)[m.ID.Name] == ""
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
			"the limits change": func(t *rapid.T) {
				w.limits = limits(t)
				if err := w.census.Bound(of, w.limits, w.all); err != nil {
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
	w := newWorld(Limits{All: limit, PerTenant: Unlimited})
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
	if w.ask(w.members["s009999"]) == "" || w.ask(w.members["s000000"]) != "" {
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
	if err := w.census.Bound(of, Limits{All: limit + 3, PerTenant: Unlimited}, w.all); err != nil {
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
	w, broken := newWorld(Limits{All: 1, PerTenant: 1}), errors.New("broken")
	none := func() ([]Member, error) { return nil, broken }
	if _, err := w.census.Ask(of, w.limits, none, Member{ID: of}); !errors.Is(err, broken) {
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
				_, _ = w.census.Ask(of, w.limits, w.all, m)
				w.census.Gone(of, "new")
			}
		})
	}
}
