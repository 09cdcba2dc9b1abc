package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// The table of examples/README.md has a row for each folder there, and no other.
func TestEachExampleSaysWhatItShows(t *testing.T) {
	d := &demo{root: "../.."}
	shows, err := d.shows()
	if err != nil {
		t.Fatal(err)
	}
	if len(shows) == 0 {
		t.Error("no example is there")
	}
	if rows := slices.Sorted(maps.Keys(shows)); !slices.Equal(rows, d.all()) {
		t.Errorf("the table has %v, and the folders are %v", rows, d.all())
	}
}

func TestTheCatalogueNamesEachExample(t *testing.T) {
	root := t.TempDir()
	for _, folder := range []string{"01-a", "02-another", "story"} {
		if err := os.MkdirAll(filepath.Join(root, "examples", folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	readme := "# Examples\n\n| example | shows |\n|---|---|\n| [01 a](01-a/README.md) | state, by key |\n| [02 another](02-another/README.md) | a queue |\n"
	if err := os.WriteFile(filepath.Join(root, "examples", "README.md"), []byte(readme), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := (&demo{root: root}).catalogue()
	if want := "  01-a        state, by key\n  02-another  a queue\n"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
