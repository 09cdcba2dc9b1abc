package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every example that has a story has programs, manifests with a namespace of its own, images that its programs make, and a test that plays it.
func TestExamplesAreWhole(t *testing.T) {
	d := &demo{root: "../.."}
	tests, err := filepath.Glob("../../test/e2e/example_*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	played := texts(t, tests)
	namespaces := map[string]bool{}
	for _, name := range d.withStories() {
		folder := filepath.Join("../../examples", name)
		programs, err := d.programsOf(name)
		if err != nil || len(programs) == 0 {
			t.Errorf("%s has no program: %v", name, err)
		}
		for _, other := range foldersBut(t, folder, programs) {
			t.Errorf("no manifest of %s has the image of %s", name, other)
		}
		for _, p := range programs {
			if p.beside == "" {
				continue
			}
			if files, _, err := besides(texts(t, []string{p.beside})); err != nil || len(files) == 0 {
				t.Errorf("%s has %d files beside it: %v", p.name, len(files), err)
			}
		}
		namespace := texts(t, []string{filepath.Join(folder, "namespace.yaml")})
		if namespaces[namespace] {
			t.Errorf("%s has the namespace of another one", name)
		}
		namespaces[namespace] = true
		if !strings.Contains(played, `"`+name+`"`) {
			t.Errorf("no test in test/e2e plays %s", name)
		}
	}
	if len(namespaces) == 0 {
		t.Error("no example has a story")
	}
}

// foldersBut are the folders of an example that are neither its story nor one of its programs.
func foldersBut(t *testing.T, folder string, programs []program) (others []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		known := slices.ContainsFunc(programs, func(p program) bool { return p.name == e.Name() })
		if e.IsDir() && e.Name() != storyFolder && !known {
			others = append(others, e.Name())
		}
	}
	return others
}

func TestWhatGoesBesideAProgram(t *testing.T) {
	files, packages, err := besides("# why\n\n/usr/bin/b=/b  two\n/bin/sh one\n/usr/share/b two\n")
	if got := fmt.Sprint(files, packages, err); got != "[/usr/bin/b=/b /bin/sh /usr/share/b] [one two] <nil>" {
		t.Error(got)
	}
	if _, _, err := besides("/bin/sh\n"); err == nil {
		t.Error("a file without its package is taken")
	}
}

// texts are the contents of files.
func texts(t *testing.T, files []string) (all string) {
	t.Helper()
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	return all
}
