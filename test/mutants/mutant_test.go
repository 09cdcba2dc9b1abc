package mutants

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the repository, seen from here.
const root = "../.."

// A mutant is the code with one fault.
type mutant struct {
	name   string // what is done wrong
	breaks string // the invariants of the design that it breaks, if it does
	peer   string // the public fault of another project that it stands for, if it does
	file   string // from the root
	old    string // stands once in the file
	new    string // stands there in its place
	killer killer // what must fail
}

// A killer is the tests of a package that must see a fault, as few as will do.
type killer struct {
	pkg   string
	run   string // the names of test functions
	focus string // of a suite on a real API server, its stories
}

// all mutants, in the order of the report.
var all = slices.Concat(lifecycleMutants, operatorMutants, directoryMutants, clusterMutants, gatewayMutants, h1Mutants, routeMutants, pageMutants, accessMutants, sessionAPIMutants)

// invariants as the design numbers them, and the fewest mutants of each.
var invariants = map[string]int{"I1": 2, "I2": 4, "I3": 4, "I4": 10, "I5": 6, "I6": 3, "I7": 3, "I8": 8}

// fits says what is wrong with a row, or nothing.
func (m mutant) fits(text string) string {
	switch {
	case strings.Count(text, m.old) != 1:
		return "the old text does not stand once in " + m.file + ": " + m.old
	case m.old == m.new:
		return "it changes nothing"
	case m.breaks == "" && m.peer == "":
		return "it breaks no invariant, and stands for nobody's fault"
	}
	return ""
}

// holes are the invariants that it breaks.
func (m mutant) holes() []string { return strings.Fields(m.breaks) }

// A row that does not fit the code any more is a fault that nobody puts in.
func TestEachRowFitsTheCode(t *testing.T) {
	names := map[string]bool{}
	for _, m := range all {
		if names[m.name] {
			t.Errorf("two mutants are called %q", m.name)
		}
		names[m.name] = true
		text, err := os.ReadFile(filepath.Join(root, m.file))
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			continue
		}
		if fault := m.fits(string(text)); fault != "" {
			t.Errorf("%s: %s", m.name, fault)
		}
		for _, pattern := range []string{m.killer.run, m.killer.focus} {
			if _, err := regexp.Compile(pattern); err != nil {
				t.Errorf("%s: %v", m.name, err)
			}
		}
	}
}

func TestFitsCanFail(t *testing.T) {
	good := mutant{breaks: "I1", old: "a", new: "b"}
	for want, text := range map[bool]string{true: "xax", false: "xaxa"} {
		if fault := good.fits(text); (fault == "") != want {
			t.Errorf("in %q: %q", text, fault)
		}
	}
	for _, bad := range []mutant{{breaks: "I1", old: "b", new: "c"}, {breaks: "I1", old: "a", new: "a"}, {old: "a", new: "b"}} {
		if bad.fits("a") == "" {
			t.Errorf("%+v fits", bad)
		}
	}
}

// Each invariant has mutants, and no mutant breaks one that there is not.
func TestEachInvariantIsBroken(t *testing.T) {
	count := map[string]int{}
	for _, m := range all {
		for _, i := range m.holes() {
			if invariants[i] == 0 {
				t.Errorf("%s: there is no invariant %s", m.name, i)
			}
			count[i]++
		}
	}
	for i, fewest := range invariants {
		if count[i] < fewest {
			t.Errorf("%d mutants break %s, want %d at least", count[i], i, fewest)
		}
	}
	if len(all) < 30 {
		t.Errorf("%d mutants, want 30 at least", len(all))
	}
}
