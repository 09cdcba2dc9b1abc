package main

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// 002-24: every requirement is proved by a test, or says why not; no test names another one, and no reason outlives its time.
func TestEveryRequirementIsProvedOrSaysWhyNot(t *testing.T) {
	tree := os.DirFS("../..")
	c, err := read(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range c.check(tree) {
		t.Error(found)
	}
	if len(c.requirements) < 156 {
		t.Errorf("%d requirements: tables of %s are not understood", len(c.requirements), requirementsFile)
	}
}

func TestExample(t *testing.T) {
	tree := os.DirFS("testdata/tree")
	c, err := read(tree)
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/findings.golden", strings.Join(c.check(tree), "\n")+"\n")
	golden(t, "testdata/document.golden", c.render())
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is not (if it is meant: go test ./hack/requirements -update)\n%s", file, got)
	}
}

func TestAReasonIsOneLine(t *testing.T) {
	const id = "100" + "-01" // written as one, it would be an id
	for _, line := range []string{"planned: no id", "100-1 planned: no id", id + " someday: no status", id + " planned:", id + " planned"} {
		if _, err := parseReasons("# reasons\n" + line + "\n"); err == nil || !strings.HasPrefix(err.Error(), reasonsFile+":2: ") {
			t.Errorf("%q: %v", line, err)
		}
	}
}
