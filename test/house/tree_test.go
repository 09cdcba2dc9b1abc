package house

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// root is the repository, from here.
const root = "../.."

// A file of the repository. Those of Go are parsed.
type file struct {
	path string // from the root, with slashes
	text []byte
	fset *token.FileSet
	tree *ast.File
}

// test says whether f is compiled for tests only.
func (f file) test() bool { return strings.HasSuffix(f.path, "_test.go") }

// golang says whether f is written in Go, by a person.
func (f file) golang() bool { return f.tree != nil && !ast.IsGenerated(f.tree) }

// at is the place of n in f, as editors and terminals understand it.
func (f file) at(n ast.Node) string { return fmt.Sprintf("%s:%d", f.path, f.line(n.Pos())) }

func (f file) line(p token.Pos) int { return f.fset.Position(p).Line }

// under says whether f is in one of the folders.
func (f file) under(dirs ...string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return within(f.path, dir) })
}

// within says whether p is dir or below it.
func within(p, dir string) bool { return p == dir || strings.HasPrefix(p, dir+"/") }

// source makes a file of a text, for examples.
func source(t *testing.T, name, text string) file {
	t.Helper()
	f, err := parse(name, []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func parse(name string, text []byte) (file, error) {
	f := file{path: name, text: text, fset: token.NewFileSet()}
	if path.Ext(name) != ".go" || slices.Contains(strings.Split(name, "/"), "testdata") {
		return f, nil // go ignores testdata too
	}
	var err error
	f.tree, err = parser.ParseFile(f.fset, name, text, parser.ParseComments|parser.SkipObjectResolution)
	return f, err
}

// files reads every file that is committed, or would be by "git add .". It walks rather than ask git: so "go test"
// knows what was read, and runs the test again when a file changes.
func files(t *testing.T) []file {
	t.Helper()
	all, err := repository()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var repository = sync.OnceValues(func() ([]file, error) {
	ignore, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		return nil, err
	}
	return walk(os.DirFS(root), strings.Split(string(ignore), "\n"))
})

func walk(tree fs.FS, ignore []string) ([]file, error) {
	var all []file
	err := fs.WalkDir(tree, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // gone since its folder was listed
			return nil
		case err != nil:
			return err
		case d.IsDir() && (p == ".git" || ignored(p, true, ignore)):
			return fs.SkipDir
		case p == ".git" || !d.Type().IsRegular() || // it is a file in a second work tree
			ignored(p, false, ignore):
			return nil
		}
		text, err := fs.ReadFile(tree, p)
		if err != nil {
			return err
		}
		f, err := parse(p, text)
		all = append(all, f)
		return err
	})
	return all, err
}

// ignored understands the few forms of pattern that our .gitignore keeps to: name/, /name/, name, *.ext.
func ignored(p string, dir bool, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		if pattern == "" || pattern[0] == '#' || strings.HasSuffix(pattern, "/") && !dir {
			return false
		}
		pattern = strings.TrimSuffix(pattern, "/")
		if rooted, ok := strings.CutPrefix(pattern, "/"); ok {
			return p == rooted
		}
		match, _ := path.Match(pattern, path.Base(p))
		return match
	})
}

// binary says whether text is not text.
func binary(text []byte) bool { return bytes.IndexByte(text, 0) >= 0 }

// A rule is broken at a place, and has a reason.
type finding struct{ at, what, why string }

func (f finding) String() string {
	return fmt.Sprintf("%s: %s\n\twhy this is a rule: %s", f.at, f.what, f.why)
}

// none fails the test once for each finding.
func none(t *testing.T, found []finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}

// finds fails the test unless the findings are at these places, in any order: the proof that a check can fail, and that
// it does not fail on the rest of the example.
func finds(t *testing.T, found []finding, places ...string) {
	t.Helper()
	var at []string
	for _, f := range found {
		at = append(at, f.at)
		if f.what == "" || f.why == "" {
			t.Errorf("a finding without a word: %+v", f)
		}
	}
	slices.Sort(at)
	slices.Sort(places)
	if !slices.Equal(at, places) {
		t.Errorf("found at %q, want %q", at, places)
	}
}
