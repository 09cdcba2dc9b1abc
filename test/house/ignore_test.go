package house

import (
	"slices"
	"testing"
	"testing/fstest"
)

// The other tests are worth what walk finds.
func TestWalk(t *testing.T) {
	tree := fstest.MapFS{}
	for _, p := range []string{
		".git/config", "bin/x.go", "internal/bin/y.go", "a.tar", "docs/b.tar", ".idea/z", "docs/.idea/z", "cmd/main.go", "coverage.out",
	} {
		tree[p] = &fstest.MapFile{Data: []byte("package x")}
	}
	all, err := walk(tree, []string{"# comment", "", "/bin/", "*.tar", ".idea/", "coverage.out"})
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range all {
		paths = append(paths, f.path)
	}
	if want := []string{"cmd/main.go", "internal/bin/y.go"}; !slices.Equal(paths, want) {
		t.Errorf("walk found %q, want %q", paths, want)
	}
}

func TestWalkOfThisRepository(t *testing.T) {
	for _, f := range files(t) {
		if f.path == "test/house/ignore_test.go" {
			return
		}
	}
	t.Error("walk did not find this file: the other tests of this package look at nothing")
}
