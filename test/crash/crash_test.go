package crash

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// told is what a story came to.
type told struct {
	outcome string
	broken  []string
	calls   []call
	turns   int
	trace   string
}

// tell plays a scenario with some faults, in a bubble of time of its own.
func tell(t *testing.T, s scenario, faults map[int]fault) (story told) {
	synctest.Test(t, func(*testing.T) {
		w := newWorld(s, faults)
		defer w.close()
		w.play()
		w.laws.final()
		story = told{outcome: w.outcome(), broken: w.laws.broken, calls: w.calls, turns: w.turns, trace: strings.Join(w.trace, "\n")}
	})
	return story
}

func TestUndisturbed(t *testing.T) {
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			story := tell(t, s, nil)
			writes := 0
			for _, c := range story.calls {
				if c.writes {
					writes++
				}
			}
			t.Logf("%d calls, %d writes, %d turns\n%s", len(story.calls), writes, story.turns, story.outcome)
			if len(story.broken) > 0 {
				t.Errorf("%s\n%s", strings.Join(story.broken, "\n"), story.trace)
			}
		})
	}
}

func TestCrashAtEveryCall(t *testing.T) {
	began := time.Now()
	cases, writes := 0, 0
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			quiet := tell(t, s, nil)
			for k, c := range quiet.calls {
				if c.writes {
					writes++
				}
				for f := diesBefore; f <= notFound; f++ {
					if !f.suits(c.writes) {
						continue
					}
					cases++
					compare(t, fmt.Sprintf("call %d (%s): %s", k+1, c.what, f), quiet, tell(t, s, map[int]fault{k + 1: f}))
				}
			}
		})
	}
	t.Logf("%d scenarios, %d writes, %d cases in %s", len(scenarios), writes, cases, time.Since(began))
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
