package crash

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// schedule is a story that nobody wrote: what moves next, and what becomes of some calls.
type schedule struct {
	world  scenario
	seed   uint64
	moves  []byte
	faults map[int]fault
}

// worlds are the templates that schedules are played with.
var worlds = []scenario{
	{name: "plain", templates: templates{template("chess")}},
	{name: "saved", templates: templates{template("chess", saved)}},
	{name: "one at a time", templates: templates{template("chess", saved, oneAwake(v1alpha1.FullEvictIdle))}},
	{name: "volumes", templates: templates{template("chess", saved, keeping("data"))}},
	{name: "rollout", templates: templates{template("chess", saved, drained)}},
	{name: "hibernating", templates: templates{template("chess", hibernating)}},
	{name: "workflow", templates: workflow, life: worksThenExits},
}

func drawSchedule(t *rapid.T) schedule {
	s := schedule{world: worlds[rapid.IntRange(0, len(worlds)-1).Draw(t, "world")], faults: map[int]fault{}}
	s.seed = rapid.Uint64().Draw(t, "seed")
	s.moves = rapid.SliceOfN(rapid.Byte(), 100, 600).Draw(t, "moves")
	for _, k := range rapid.SliceOfN(rapid.IntRange(1, 120), 0, 4).Draw(t, "faulty") {
		s.faults[k] = rapid.SampledFrom([]fault{diesBefore, diesAfter, conflict, tooMany, internal, timeout}).Draw(t, "fault")
	}
	return s
}

// dice gives the choices of a schedule, one by one. What a byte means is another thing in each schedule: the bytes that rapid draws are
// mostly small.
type dice struct {
	left []byte
	mean []int
}

func newDice(s schedule) *dice {
	return &dice{left: s.moves, mean: rand.New(rand.NewPCG(s.seed, 0)).Perm(256)}
}

func (d *dice) roll(sides int) int {
	if len(d.left) == 0 {
		return 0
	}
	n := d.mean[d.left[0]] % sides
	d.left = d.left[1:]
	return n
}

// live plays a schedule: caches that hear late, each kind by itself; a former leader that goes on; gateways that hear late. Then the former
// leader ends, everybody hears everything, and the world comes to its rest.
func (w *world) live(s schedule) {
	end := w.take()
	w.ops = append(w.ops, newOperator(w))
	d := newDice(s)
	for len(d.left) > 0 {
		w.settle()
		w.random(d)
	}
	w.ops[1].stop()
	w.ops = w.ops[:1]
	for node := range w.lost {
		w.note("ACT %s is out of service", node)
		outOfService(node).do(w)
	}
	for _, g := range w.gateways {
		for name := range g.flying {
			g.land(name)
		}
	}
	end()
	w.play()
	w.laws.final()
	w.laws.rest()
}

// random makes one move of somebody.
func (w *world) random(d *dice) {
	w.renew(d)
	var moves []func()
	add := func(times int, move func()) {
		for range times {
			moves = append(moves, move)
		}
	}
	for _, op := range w.ops {
		for _, kind := range kinds {
			if op.behind(kind) {
				add(2, func() { op.hear(kind) })
			}
		}
		if len(op.queue) > 0 {
			add(6, func() { op.turn(context.Background()) })
		}
		add(1, func() { op.relist(kinds[d.roll(len(kinds))], len(w.log())) })
		add(1, func() { op.ask(w.anyOf(d)) })
	}
	for _, g := range w.gateways {
		add(2, func() { g.move() })
	}
	add(5, func() { _ = w.kubelet() || w.collect() })
	add(3, func() { w.pass(d) })
	add(3, func() { w.happens(d) })
	moves[d.roll(len(moves))]()
}

// renew has a new operator in the place of one that is dead, which lists what may be old.
func (w *world) renew(d *dice) {
	for i, op := range w.ops {
		if !op.dead {
			continue
		}
		op.stop()
		w.ops[i] = newOperator(w)
		w.note("operator %d is a new one", i)
		for _, kind := range kinds {
			w.ops[i].relist(kind, len(w.log())-min(len(w.log()), d.roll(8)))
		}
	}
}

// pass lets time pass.
func (w *world) pass(d *dice) {
	w.rest([]time.Duration{100 * time.Millisecond, time.Second, 3 * time.Second, 15 * time.Second, 70 * time.Second}[d.roll(5)])
	for _, op := range w.ops {
		op.due()
	}
}

// anyOf is one of two sessions.
func (w *world) anyOf(d *dice) types.NamespacedName {
	return types.NamespacedName{Namespace: w.namespace, Name: []string{a, b}[d.roll(2)]}
}

// happens is what people and machines do.
func (w *world) happens(d *dice) {
	name, g := w.anyOf(d).Name, w.gateways[d.roll(2)]
	if len(w.script.templates) > 1 {
		name = "create.a"
	}
	does := []func() act{
		func() act {
			return act{"request for " + name + " at " + g.name, nil, 0, func(*world) { g.request(name) }}
		},
		func() act {
			return act{"request for " + name + " at " + g.name, nil, 0, func(*world) { g.request(name) }}
		},
		func() act {
			return act{"request for " + name + " at " + g.name, nil, 0, func(*world) { g.request(name) }}
		},
		func() act { return act{"long request for " + name, nil, 0, func(*world) { g.fly(name) }} },
		func() act { return act{"its answer for " + name, nil, 0, func(*world) { g.land(name) }} },
		func() act { return crash(name) },
		func() act { return remove(name) },
		func() act { return deletePod(name, 30) },
		func() act { return deletePod(name, 0) },
		func() act { return evict(name) },
		func() act { return suspend(name, d.roll(2) == 0) },
		func() act { return lose("node-1") },
		func() act { return outOfService("node-1") },
		func() act { return changeImage },
		func() act { return dies(1) },
	}
	next := does[d.roll(len(does))]()
	w.note("ACT %s", next.name)
	next.do(w)
}

func survive(t *testing.T, s schedule) (story told) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(s.world, s.faults)
		defer w.close()
		w.live(s)
		story = w.told()
	})
	return story
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestStale is part of I1 to I6: late, unordered and skipped news, two leaders at once, and calls that fail, by schedules that nobody wrote.
func TestStale(t *testing.T) {
	t.Parallel()
	soak, _ := time.ParseDuration(os.Getenv("SOAK"))
	if soak == 0 && flag.Lookup("rapid.seed").Value.String() == "0" {
		must(t, flag.Set("rapid.seed", "1")) // the same schedules each time
	}
	if soak == 0 && flag.Lookup("rapid.checks").Value.String() == "100" {
		must(t, flag.Set("rapid.checks", "1000"))
	}
	must(t, flag.Set("rapid.nofailfile", "true"))
	began, schedules, turns, calls, phases := time.Now(), 0, 0, 0, map[v1alpha1.SessionPhase]int{}
	for first := true; first || time.Since(began) < soak && !t.Failed(); first = false {
		rapid.Check(t, func(rt *rapid.T) {
			s := drawSchedule(rt)
			story := survive(t, s)
			schedules++
			turns += story.turns
			calls += len(story.calls)
			for phase, n := range story.phases {
				phases[phase] += n
			}
			if len(story.broken) > 0 {
				rt.Fatalf("%s: %s\n%s", s.world.name, strings.Join(story.broken, "\n"), story.trace)
			}
		})
	}
	t.Logf("%d schedules, %d turns, %d calls in %s; phases: %v", schedules, turns, calls, time.Since(began), phases)
}
