package model

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A span makes the life of a key finite: so many touches of gateways, so much harm (of people, of a node, of a crash of the leader), so
// many turns of an operator whose view is late. It begins with a node that is lost, or not. Backwards is no bound: some faults are found
// sooner if the last choice is looked at first.
type span struct {
	touches, harms, late int
	lost, backwards      bool
}

func (s span) switches() []string {
	node := "true"
	if s.lost {
		node = "false"
	}
	return []string{
		"-DPODS=6", fmt.Sprintf("-DTOUCHES=%d", s.touches), fmt.Sprintf("-DHARMS=%d", s.harms), fmt.Sprintf("-DTURNS=%d", s.late), "-DNODE=" + node,
	}
}

var (
	// once takes about 8 s of one CPU.
	once = []span{{touches: 2, harms: 1, late: 2}, {touches: 2, harms: 2}}
	// long takes about two minutes of one CPU, and 1.3 GB.
	long = append(once, span{touches: 2, harms: 2, late: 1}, span{touches: 1, harms: 1, late: 1, lost: true})

	brief = span{touches: 2, harms: 1, late: 1}
	harsh = span{touches: 2, harms: 2, late: 1}
	other = span{touches: 2, harms: 2, late: 1, backwards: true}
	dark  = span{touches: 1, harms: 2, late: 1, lost: true, backwards: true}
)

// compiled is how little to compile: what is found soon is not worth a good compilation.
func (s span) compiled() []string {
	if s.backwards {
		return []string{"-O0", "-DREVERSE"}
	}
	return []string{"-O0"}
}

// The rules of wake.pml, each with the claims that fail without it.
var lives = []struct {
	name   string
	within span
	breaks string
	rule   string
}{
	{"NOFINALIZER", brief, "ONE", "a forced delete does not free the name, for the pod has our finalizer"},
	{"NONAME", brief, "ONE", "the pod's name follows from the session's, so that one of it is there"},
	{"RESTARTS", harsh, "ONCE", "restartPolicy is Never: an epoch is one process"},
	{"PHASE", harsh, "ENDS", "phase alone proves nothing"},
	{"SILENCE", harsh, "ENDS", "a node that does not answer proves nothing"},
	{"OLDTAINT", dark, "ENDS", "that a node is lost is asked of the API server"},
	{"UNENDED", brief, "ENDS", "a pod is released when it has ended"},
	{"NOUID", harsh, "LIVES", "a delete has the pod's UID as its precondition"},
	{"NOOWNER", brief, "OWN", "a pod is adopted by the UID of its owner"},
	{"NOEPOCH", brief, "LIVES GROWS", "a pod is adopted by its epoch"},
	{"NOCAS", brief, "LIVES GROWS", "a publication is a compare-and-swap"},
	{"OLDSESSION", brief, "LIVES", "before a pod is taken for a leftover, the Session is asked of the API server"},
	{"NORECORD", harsh, "TOLD", "how a pod ended is recorded before its name is free"},
	{"LETGO", brief, "LIVES", "a Session has our finalizer until its pod has ended"},
	{"NOLEFT", brief, "ORPHAN", "a pod whose Session is gone is ended all the same"},
	{"NODISCARD", brief, "SERVED", "a pod that is not the session's pod of now is ended"},
	{"NOSTOP", harsh, "SERVED", "a stop that is committed is carried out, whoever committed it"},
	{"NOFINISH", brief, "SERVED STUCK", "who takes the finalizer off finishes the delete"},
	{"NOVANISH", harsh, "SERVED STUCK", "a published pod that vanished is recorded"},
	{"NAMEGONE", other, "STUCK", "a published pod has vanished, too, where another has its name"},
	{"NOTIMEOUT", brief, "SERVED", "a start that takes too long is told"},
	{"SPENT", harsh, "SERVED", "demand that came after the decision to stop outlives the stop"},
	{"NO410", harsh, "SERVED", "a touch of a Session that is being deleted is refused"},
	{"LIAR", harsh, "ENDS", "assumed: nobody says that a node is lost while it runs"},
	{"UNHEARD", harsh, "ENDS", "assumed: only the kubelet ends a pod of whose container it has not told"},
}

// 001-19, 000-03, 002-19, 002-20: whatever is deleted, crashes, is lost or comes late, one process runs at most, the next one comes, and
// nothing is left over.
func TestLifeHolds(t *testing.T) {
	spans := once
	if os.Getenv("MODEL") == "full" {
		spans = long
	}
	for _, s := range spans {
		t.Run(fmt.Sprintf("%+v", s), func(t *testing.T) {
			t.Parallel()
			r := search(t, "wake.pml", []string{"-O1"}, s.switches()...)
			t.Logf("%s states in %s s", r.states, r.seconds)
			if r.errors != 0 || !r.complete {
				t.Fatalf("it does not hold, or the search was not complete:\n%s", r.output)
			}
		})
	}
}

// 002-24: each of its rules is needed, and each of its assumptions is one.
func TestEveryRuleOfLifeIsNeeded(t *testing.T) {
	for _, m := range lives {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			r := search(t, "wake.pml", m.within.compiled(), append(m.within.switches(), "-D"+m.name)...)
			claim := regexp.MustCompile(`[A-Z]+`).FindString(r.violated)
			t.Logf("%s states until %s failed without the rule: %s", r.states, claim, m.rule)
			if r.errors != 1 || !slices.Contains(strings.Fields(m.breaks), claim) {
				t.Errorf("want a claim of %q violated without the rule %q:\n%s", m.breaks, m.rule, r.output)
			}
		})
	}
}

// A rule that can be left out, and is not in the table, would go untested.
func TestEveryMutantOfLifeIsTested(t *testing.T) {
	want := []string{"HARMS", "NODE", "PODS", "TOUCHES", "TURNS"}
	text := read(t, "wake.pml")
	for _, m := range lives {
		want = append(want, m.name)
		if !strings.Contains(text, "\n   "+m.name+" ") {
			t.Errorf("the head of wake.pml does not say what %s leaves out", m.name)
		}
	}
	var got []string
	for _, m := range regexp.MustCompile(`(?m)^#ifn?def (\w+)`).FindAllStringSubmatch(text+read(t, "turn.pml"), -1) {
		got = append(got, m[1])
	}
	slices.Sort(want)
	slices.Sort(got)
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("wake.pml has switches %q, the tests know %q", got, want)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
