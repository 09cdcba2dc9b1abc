package model

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// docs/proof.md says which test holds what. A name that nothing has any more would be a promise that nobody keeps.
func TestProofNamesWhatThereIs(t *testing.T) {
	source := sources(t, filepath.Join("..", ".."))
	names := regexp.MustCompile("`([^`\n]+)`").FindAllStringSubmatch(read(t, filepath.Join("..", "..", "docs", "proof.md")), -1)
	if len(names) < 100 {
		t.Fatalf("docs/proof.md has %d names: it is read wrongly", len(names))
	}
	for _, name := range names {
		if !strings.Contains(source, name[1]) {
			t.Errorf("docs/proof.md names %q, which is nowhere in the source", name[1])
		}
	}
}

// sources are all Go files, models and templates' types in one text, but for this file.
func sources(t *testing.T, root string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".pml") {
			return err
		}
		text, err := os.ReadFile(path)
		all.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
