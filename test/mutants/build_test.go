package mutants

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// build builds the killers of all packages, with all faults in them that lie within functions. If that does not compile, each fault
// is built alone, so that it is known which of them it is.
func (s *stage) build(t *testing.T) {
	t.Helper()
	var list string
	list, s.alone = grafts(t)
	s.built = map[string]string{}
	packages, folder := slices.Sorted(maps.Keys(together())), t.TempDir()
	for _, pkg := range packages {
		s.built[pkg] = filepath.Join(folder, filepath.Base(pkg)+".test")
	}
	out, err := build(t, list, folder+"/", packages...)
	if err == nil {
		return
	}
	t.Logf("the faults do not compile together, so each is built alone:\n%s", tail(string(out)))
	for i := range all {
		s.alone[i+1] = true
	}
	if out, err := build(t, "", folder+"/", packages...); err != nil {
		t.Fatalf("%v\n%s", err, tail(string(out)))
	}
}

// build builds the tests of packages with what a list lays over the code.
func build(t *testing.T, list, to string, packages ...string) ([]byte, error) {
	t.Helper()
	args := append([]string{"test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", list, "-o", to}, packages...)
	cmd := exec.CommandContext(t.Context(), "go", args...)
	cmd.Dir = root
	return cmd.CombinedOutput()
}

// grafts lays all faults that lie within functions over the code at once, and gives the list of what lies over what. Alone are the others.
func grafts(t *testing.T) (list string, alone map[int]bool) {
	t.Helper()
	faults := map[string]map[int]mutant{}
	for i, m := range all {
		if faults[m.file] == nil {
			faults[m.file] = map[int]mutant{}
		}
		faults[m.file][i+1] = m
	}
	over := map[string]string{}
	alone = map[int]bool{}
	for file, faults := range faults {
		pkg, text, others, err := graft(source(t, file), faults)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		over[file] = text
		over[filepath.Join(filepath.Dir(file), "zz_mutant.go")] = fmt.Sprintf(board, pkg)
		for _, n := range others {
			alone[n] = true
		}
	}
	return lay(t, over), alone
}

// overlay lays the file with one fault over the code.
func overlay(t *testing.T, m mutant) (list string) {
	t.Helper()
	text := source(t, m.file)
	if fault := m.fits(text); fault != "" {
		t.Fatal(fault)
	}
	return lay(t, map[string]string{m.file: strings.Replace(text, m.old, m.new, 1)})
}

// lay writes files and the list that has the go command take them in the place of others, by their names from the root.
func lay(t *testing.T, over map[string]string) (list string) {
	t.Helper()
	folder, replace := t.TempDir(), map[string]string{}
	for file, text := range over {
		of, err := filepath.Abs(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		replace[of] = filepath.Join(folder, strings.ReplaceAll(file, "/", "_"))
		write(t, replace[of], []byte(text))
	}
	content, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list = filepath.Join(folder, "overlay.json")
	write(t, list, content)
	return list
}

// source is the text of a file.
func source(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
