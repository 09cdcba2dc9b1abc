package mutants

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

// How many runs there are at a time, and how many of those may need an API server. Many wait for what a fault keeps from coming.
const (
	atOnce  = 4
	servers = 2
)

// A stage has a place for each run at a time. An API server is shared by the suites that are run there, one at a time: their stories have
// namespaces of their own. It is the environment that has them take it.
type stage struct {
	places  chan struct{}
	servers chan []string
	tool    string            // turns the output of a test into events
	built   map[string]string // the tests of each package, with all faults in them that can be built together
	alone   map[int]bool      // the faults that are built alone, by their numbers
}

// Every fault is seen by a test that is there for it.
func TestEachMutantIsKilled(t *testing.T) {
	if os.Getenv("MUTANTS") == "" {
		t.Skip("minutes: set MUTANTS, or run make mutants")
	}
	s := newStage(t)
	if !t.Run("without a fault", s.healthy) {
		t.Fatal("what fails without a fault proves nothing with one")
	}
	rows := make([]string, len(all))
	t.Run("with a fault", func(t *testing.T) {
		for i, m := range all {
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				r, took := s.run(t, m.killer, i+1)
				rows[i] = m.row(r, took)
				t.Log(strings.ReplaceAll(rows[i], "\t", ", "))
				if !r.killed() {
					t.Errorf("%v: %s, in %s\n%s", r, m.name, m.file, tail(r.output))
				}
			})
		}
	})
	var table bytes.Buffer
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "MUTANT\tBREAKS\tSTANDS FOR\tKILLED BY\tTIME")
	fmt.Fprintln(w, strings.Join(slices.DeleteFunc(rows, func(r string) bool { return r == "" }), "\n"))
	_ = w.Flush()
	t.Logf("one of %d mutants at a time, %d of them built alone\n%s", len(all), len(s.alone), table.String())
}

func (m mutant) row(r report, took time.Duration) string {
	by := strings.TrimPrefix(m.killer.pkg, "./") + ": " + r.failed
	if !r.killed() {
		by = r.String()
	}
	return strings.Join([]string{m.name, m.breaks, m.peer, by, took.Round(100 * time.Millisecond).String()}, "\t")
}

// healthy runs all killers without a fault, those of a package together.
func (s *stage) healthy(t *testing.T) {
	for pkg, k := range together() {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			if r, _ := s.run(t, k, 0); !r.passed || r.idle {
				t.Errorf("%s without a fault:\n%s", pkg, tail(r.output))
			}
		})
	}
}

// together are the killers of each package as one.
func together() map[string]killer {
	byPackage := map[string]killer{}
	for _, m := range all {
		k, known := byPackage[m.killer.pkg]
		if !known {
			k = m.killer
		}
		byPackage[k.pkg] = killer{k.pkg, either(k.run, m.killer.run), either(k.focus, m.killer.focus)}
	}
	return byPackage
}

// either is a pattern that matches what one of the two does; an empty one matches nothing here.
func either(a, b string) string {
	switch {
	case b == "" || slices.Contains(strings.Split(a, "|"), b):
		return a
	case a == "":
		return b
	}
	return a + "|" + b
}

// run runs a killer with the fault of a number, 0 for none, and gives how long that took once it was its turn.
func (s *stage) run(t *testing.T, k killer, fault int) (r report, took time.Duration) {
	t.Helper()
	var server []string
	if k.focus != "" {
		server = <-s.servers
		defer func() { s.servers <- server }()
	}
	s.places <- struct{}{}
	defer func() { <-s.places }()
	began := time.Now()
	binary := s.built[k.pkg]
	if s.alone[fault] {
		binary = filepath.Join(t.TempDir(), "alone.test")
		if out, err := build(t, overlay(t, all[fault-1]), binary, k.pkg); err != nil {
			return report{unbuilt: true, output: string(out)}, time.Since(began)
		}
	}
	args := []string{"-t", binary, "-test.v=test2json", "-test.paniconexit0", "-test.failfast", "-test.timeout=5m", "-test.run", k.run}
	if draws(t, k.pkg) { // the same each time, and without a file for the next run
		args = append(args, "-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s")
	}
	if k.focus != "" {
		args = append(args, "-ginkgo.fail-fast", "-ginkgo.no-color", "-ginkgo.focus", k.focus)
	}
	cmd := exec.CommandContext(t.Context(), s.tool, args...)
	cmd.Dir = filepath.Join(root, k.pkg)
	cmd.Env = append(append(os.Environ(), server...), inForce+"="+strconv.Itoa(fault))
	out, _ := cmd.CombinedOutput() // its events say more than its error
	return read(out), time.Since(began)
}

// draws says whether tests of a package draw their cases by rapid.
func draws(t *testing.T, pkg string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(files, func(name string) bool {
		text, err := os.ReadFile(name)
		return err == nil && bytes.Contains(text, []byte(`"pgregory.net/rapid"`))
	})
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	tool, err := exec.CommandContext(t.Context(), "go", "tool", "-n", "test2json").Output()
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{places: make(chan struct{}, atOnce), servers: make(chan []string, servers), tool: strings.TrimSpace(string(tool))}
	s.build(t)
	for range servers {
		server, err := apiserver.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		config := filepath.Join(t.TempDir(), "kubeconfig")
		write(t, config, server.KubeConfig())
		s.servers <- []string{"USE_EXISTING_CLUSTER=true", "KUBECONFIG=" + config}
	}
	return s
}

// tail is the end of a long output.
func tail(s string) string {
	const most = 3000
	return s[max(0, len(s)-most):]
}
