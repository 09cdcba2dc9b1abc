package mutants

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

// atOnce is how many runs there are at a time.
const atOnce = 2

// A stage has a place for each run at a time. A place has an API server, which the suites that are run there share: their stories have
// namespaces of their own. It is the environment that has them take it.
type stage struct{ places chan []string }

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
				r, took := s.run(t, m.killer, "-count=1", "-overlay", overlay(t, m))
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
	t.Logf("one of %d mutants at a time\n%s", len(all), table.String())
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
	together := map[string]killer{}
	for _, m := range all {
		k, known := together[m.killer.pkg]
		if !known {
			k = m.killer
		}
		together[k.pkg] = killer{k.pkg, either(k.run, m.killer.run), either(k.focus, m.killer.focus)}
	}
	for pkg, k := range together {
		t.Run(pkg, func(t *testing.T) {
			t.Parallel()
			if r, _ := s.run(t, k); !r.passed || r.idle {
				t.Errorf("%s without a fault:\n%s", pkg, tail(r.output))
			}
		})
	}
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

// run runs a killer, and gives how long that took once it was its turn.
func (s *stage) run(t *testing.T, k killer, more ...string) (report, time.Duration) {
	t.Helper()
	server := <-s.places
	defer func() { s.places <- server }()
	args := append([]string{"test", "-json", "-vet=off", "-failfast", "-timeout=5m", "-run", k.run}, more...)
	args = append(args, k.pkg)
	if draws(t, k.pkg) { // the same each time, and without a file for the next run
		args = append(args, "-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s")
	}
	if k.focus != "" {
		args = append(args, "-ginkgo.fail-fast", "-ginkgo.no-color", "-ginkgo.focus", k.focus)
	}
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), server...)
	began := time.Now()
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

// overlay writes the changed file of a mutant, and what has the go command take it in place of the other.
func overlay(t *testing.T, m mutant) string {
	t.Helper()
	of, err := filepath.Abs(filepath.Join(root, m.file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(of)
	if err != nil {
		t.Fatal(err)
	}
	if fault := m.fits(string(text)); fault != "" {
		t.Fatal(fault)
	}
	folder := t.TempDir()
	changed, list := filepath.Join(folder, "changed.go"), filepath.Join(folder, "overlay.json")
	replace, err := json.Marshal(map[string]any{"Replace": map[string]string{of: changed}})
	if err != nil {
		t.Fatal(err)
	}
	write(t, changed, []byte(strings.Replace(string(text), m.old, m.new, 1)))
	write(t, list, replace)
	return list
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{places: make(chan []string, atOnce)}
	for range atOnce {
		server, err := apiserver.Start()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = server.Stop() })
		config := filepath.Join(t.TempDir(), "kubeconfig")
		write(t, config, server.KubeConfig())
		s.places <- []string{"USE_EXISTING_CLUSTER=true", "KUBECONFIG=" + config}
	}
	return s
}

// tail is the end of a long output.
func tail(s string) string {
	const most = 3000
	return s[max(0, len(s)-most):]
}
