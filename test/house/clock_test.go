package house

import (
	"fmt"
	"go/ast"
	"path"
	"strconv"
	"testing"
)

// A readRule names identifiers of a package that only cmd may use; no names mean all of them.
type readRule struct {
	pkg   string
	names []string
	why   string
}

const (
	whyClock = "time is an argument: the core takes now, a struct that needs a clock gets one. So a test can say what time it is, and cmd alone says which clock."
	whyEnv   = "cmd reads flags and environment and passes values on. So a test needs no process of its own, and --help shows all there is."
)

var readRules = []readRule{
	{"time", []string{"Now", "Since", "Until", "Sleep"}, whyClock},
	{"os", []string{"Getenv", "LookupEnv", "Environ", "ExpandEnv", "Args"}, whyEnv},
	{"syscall", []string{"Getenv", "Environ"}, whyEnv},
	{"flag", nil, whyEnv},
	{"github.com/spf13/pflag", nil, whyEnv},
}

// core is the code that the rules of this file are about.
var core = []string{"api", "internal", "controllers"}

// checkReads looks for what readRules forbid, called or passed on as a value.
func checkReads(all []file) []finding {
	var found []finding
	for _, f := range all {
		if !f.golang() || f.test() || !f.under(core...) {
			continue
		}
		for _, r := range readRules {
			found = append(found, uses(f, r)...)
		}
	}
	return found
}

// uses are the places where f uses what r forbids, whatever name the import has.
func uses(f file, r readRule) []finding {
	var found []finding
	for _, imp := range f.tree.Imports {
		if p, _ := strconv.Unquote(imp.Path.Value); p != r.pkg {
			continue
		}
		name := path.Base(r.pkg)
		if imp.Name != nil {
			name = imp.Name.Name
		}
		switch {
		case r.names == nil:
			found = append(found, finding{f.at(imp), "imports " + r.pkg, r.why})
		case name == ".":
			found = append(found, finding{f.at(imp), "imports " + r.pkg + " with a dot, which hides what it uses", r.why})
		default:
			found = append(found, selected(f, name, r)...)
		}
	}
	return found
}

// selected are the places where f selects one of r's names from the import called name.
func selected(f file, name string, r readRule) []finding {
	forbidden := map[string]bool{}
	for _, n := range r.names {
		forbidden[n] = true
	}
	var found []finding
	ast.Inspect(f.tree, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !forbidden[sel.Sel.Name] {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
			found = append(found, finding{f.at(sel), fmt.Sprintf("uses %s.%s", r.pkg, sel.Sel.Name), r.why})
		}
		return true
	})
	return found
}

func TestOnlyCmdReads(t *testing.T) { none(t, checkReads(files(t))) }

func TestOnlyCmdReadsCanFail(t *testing.T) {
	const bad = `package a

import (
	"flag"
	"os"
	clock "time"
)

var x = flag.Bool("x", false, "")
var now = clock.Now
var soon = clock.After(clock.Until(clock.Time{}))

func f() { clock.Sleep(clock.Since(clock.Time{})); os.Getenv("A"); os.Exit(1) }
`
	finds(t, checkReads([]file{
		source(t, "internal/a/a.go", bad),
		source(t, "internal/a/a_test.go", bad),
		source(t, "cmd/a/main.go", bad),
		source(t, "hack/a/main.go", bad),
		source(t, "controllers/b/b.go", "package b\n\nimport . \"time\"\n\nvar t = Now()\n"),
		source(t, "api/v1/c.go", "package c\n\nvar time clock\nvar t = time.Now()\n"),
	}),
		"internal/a/a.go:4", "internal/a/a.go:10", "internal/a/a.go:11", "internal/a/a.go:13", "internal/a/a.go:13",
		"internal/a/a.go:13", "controllers/b/b.go:3")
}
