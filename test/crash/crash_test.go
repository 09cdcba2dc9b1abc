package crash

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

func init() { ctrl.SetLogger(logr.Discard()) } // what is looked at is the world

// told is what a story came to.
type told struct {
	outcome string
	broken  []string
	calls   []call
	turns   int
	trace   string
	phases  map[v1alpha1.SessionPhase]int // how often a session came into each
}

// tell plays a scenario with some faults, in a bubble of time of its own.
func tell(t *testing.T, s scenario, faults map[int]fault) (story told) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(s, faults)
		defer w.close()
		w.play()
		w.laws.final()
		story = w.told()
	})
	return story
}

func (w *world) told() told {
	return told{phases: w.phases(), outcome: w.outcome(), broken: w.laws.broken, calls: w.calls, turns: w.turns, trace: strings.Join(w.trace, "\n")}
}

// phases counts how often a session came into each.
func (w *world) phases() map[v1alpha1.SessionPhase]int {
	count, last := map[v1alpha1.SessionPhase]int{}, map[id]v1alpha1.SessionPhase{}
	for _, c := range w.log() {
		if s, ok := c.now.(*v1alpha1.Session); ok && s.Status.Phase != last[c.id] {
			last[c.id] = s.Status.Phase
			count[s.Status.Phase]++
		}
	}
	return count
}

func TestUndisturbed(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			story := tell(t, s, nil)
			t.Logf("%d calls, %d writes, %d turns\n%s", len(story.calls), len(writesOf(story.calls)), story.turns, story.outcome)
			compare(t, s.name, story, story)
		})
	}
}

// TestCrashAtEveryCall is I6 (002-20, 004-15): in each story the operator dies before and after each of its calls and a new one goes on
// that knows nothing, and each call is answered by each error. The story ends as it does undisturbed, and no law is broken on the way.
func TestCrashAtEveryCall(t *testing.T) {
	t.Parallel()
	began, cases, writes := time.Now(), 0, 0
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			quiet := tell(t, s, nil)
			writes += len(writesOf(quiet.calls))
			for k, c := range quiet.calls {
				for f := diesBefore; f <= notFound; f++ {
					if f.suits(c.writes) {
						cases++
						compare(t, fmt.Sprintf("call %d (%s): %s", k+1, c.what, f), quiet, tell(t, s, map[int]fault{k + 1: f}))
					}
				}
				if t.Failed() {
					return // one fault of the operator fails hundreds of cases
				}
			}
		})
	}
	t.Logf("%d stories, %d writes, %d cases in %s", len(scenarios), writes, cases, time.Since(began))
}

// TestSeveralFaults is the same with two to four faults in a story, by a seed.
func TestSeveralFaults(t *testing.T) {
	t.Parallel()
	const stories = 1000
	chance := rand.New(rand.NewPCG(4, 3))
	for range stories {
		s := scenarios[chance.IntN(len(scenarios))]
		quiet := tell(t, s, nil)
		faults := map[int]fault{}
		for range 2 + chance.IntN(3) {
			faults[1+chance.IntN(len(quiet.calls))] = diesBefore + fault(chance.IntN(int(notFound)))
		}
		compare(t, fmt.Sprintf("%s: %v", s.name, faults), quiet, tell(t, s, faults))
		if t.Failed() {
			return
		}
	}
	t.Logf("%d stories", stories)
}

func compare(t *testing.T, name string, quiet, story told) {
	t.Helper()
	if len(story.broken) > 0 {
		t.Errorf("%s:\n%s\n%s", name, strings.Join(story.broken, "\n"), story.trace)
	}
	if story.outcome != quiet.outcome {
		t.Errorf("%s: it ends as\n%s\nand undisturbed as\n%s\n%s", name, story.outcome, quiet.outcome, story.trace)
	}
}
