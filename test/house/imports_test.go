package house

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/dormouse-dev/dormouse"

// A pkg is what "go list" says about a package. Deps are all it depends on, tests left out.
type pkg struct {
	ImportPath string
	Deps       []string
}

// An importRule forbids packages in or below from to depend on packages that forbidden holds true of. Paths of our own are
// from the root of the module.
type importRule struct {
	from      []string
	forbidden func(dep string) bool
	why       string
}

var kubernetes = under("k8s.io", "sigs.k8s.io")

var importRules = []importRule{
	{
		from: []string{"api"}, forbidden: ours,
		why: "api is the contract: everything may import it, so it can import nothing of ours.",
	},
	{
		from: []string{"conformance"}, forbidden: outside,
		why: "conformance is for anybody's tests, against anybody's gateway: it knows of HTTP, and of nothing of ours.",
	},
	{
		from: []string{"internal/lifecycle"}, forbidden: outside,
		why: "lifecycle is the decision, a function of values: with the standard library only, all of it can be tested as a table.",
	},
	{
		from: []string{"internal/key"}, forbidden: kubernetes,
		why: "key is a function between texts that operator, gateway and plugin share; none of them should get a client with it.",
	},
	{
		from: []string{"internal/directory"}, forbidden: kubernetes,
		why: "directory is the hot path of every request: a map, and no object of the API server in its memory.",
	},
	{
		from: []string{"internal/gateway"}, forbidden: kubernetes,
		why: "gateway is the road of a request; what it needs of the cluster it asks through interfaces that internal/cluster answers.",
	},
	{
		from: []string{"internal/gateway/websocket", "internal/gateway/grpc"}, forbidden: ours,
		why: "websocket and grpc know what their standards say, and nothing of sessions: whoever has the standard at hand can check them.",
	},
	{
		from:      []string{"internal/gateway/front", "internal/gateway/rawtcp"},
		forbidden: under(module+"/internal/directory", module+"/internal/access", module+"/internal/gateway/resolve", module+"/internal/gateway/answer"),
		why:       "who comes in is known before whose session is asked for: front and rawtcp know connections, and no sessions.",
	},
	{
		from: []string{"internal/gateway/resolve"}, forbidden: under(module + "/internal/gateway/admission"),
		why: "resolve finds the session, and admission says who may use it: where the one depended on the other, a refusal would tell what there is.",
	},
	{
		from: []string{"internal/sessionapi"}, forbidden: under("k8s.io", "sigs.k8s.io", module+"/internal/cluster", module+"/controllers"),
		why: "sessionapi is the HTTP side; what it needs of the cluster it asks through interfaces that internal/cluster answers.",
	},
	{
		from: []string{"client"}, forbidden: outside,
		why: "client is for other people's programs: with the standard library only, nobody gets our dependencies with it, or our insides.",
	},
	{
		from: []string{"internal/podspec"}, forbidden: under("k8s.io/client-go", "sigs.k8s.io/controller-runtime"),
		why: "podspec is the wish, a function from template and session to a pod: it has no client in its hand.",
	},
	{
		from: []string{"internal/gateway"}, forbidden: under(module + "/controllers"),
		why: "gateway and operator meet in api, through fields, and never call each other: so either may restart alone.",
	},
	{
		from: []string{"controllers"}, forbidden: under(module + "/internal/gateway"),
		why: "gateway and operator meet in api, through fields, and never call each other: so either may restart alone.",
	},
	{
		from: []string{"api", "internal", "controllers", "cmd"}, forbidden: under(module+"/test", module+"/hack"),
		why: "what is shipped does not need what it is built and tested with.",
	},
}

func under(prefixes ...string) func(string) bool {
	return func(dep string) bool {
		return slices.ContainsFunc(prefixes, func(prefix string) bool { return within(dep, prefix) })
	}
}

func ours(dep string) bool { return within(dep, module) }

// outside says whether dep is not of the standard library: the first element of its path has a dot, as a host has.
func outside(dep string) bool {
	host, _, _ := strings.Cut(dep, "/")
	return strings.Contains(host, ".")
}

// checkImports compares packages with a rule. guarded says whether the rule applies to any of them.
func checkImports(r importRule, pkgs []pkg) (found []finding, guarded bool) {
	for _, p := range pkgs {
		name := strings.TrimPrefix(p.ImportPath, module+"/")
		if !under(r.from...)(name) {
			continue
		}
		guarded = true
		for _, dep := range p.Deps {
			if r.forbidden(dep) {
				found = append(found, finding{name, "depends on " + dep, r.why})
			}
		}
	}
	return found, guarded
}

// checkControllers holds the one import rule that is about pairs.
func checkControllers(pkgs []pkg) []finding {
	const why = "a controller has one job and can be taken out alone; what two of them share belongs to api or internal."
	var found []finding
	for _, p := range pkgs {
		self := controller(p.ImportPath)
		for _, dep := range p.Deps {
			if other := controller(dep); self != "" && other != "" && other != self {
				found = append(found, finding{strings.TrimPrefix(p.ImportPath, module+"/"), "depends on " + dep, why})
			}
		}
	}
	return found
}

// controller is the folder of a controller that an import path is in, or empty.
func controller(importPath string) string {
	rest, ok := strings.CutPrefix(importPath, module+"/controllers/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(rest, "/")
	return name
}

// list asks the go command. With -e a package that does not compile does not hide the others.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Deps", "./...")
	cmd.Dir = root
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	var all []pkg
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// 004-28: the gateway asks the cluster through interfaces, so that what answers them can be another.
func TestImports(t *testing.T) {
	files(t) // so that a cached result is not used after a file has changed; go list reads in another process
	pkgs := list(t)
	for _, r := range importRules {
		t.Run(strings.Join(r.from, "+"), func(t *testing.T) {
			found, guarded := checkImports(r, pkgs)
			none(t, found)
			if !guarded {
				t.Errorf("the rule guards nothing: there is no package in %q", r.from)
			}
		})
	}
	none(t, checkControllers(pkgs))
}

func TestImportsCanFail(t *testing.T) {
	if _, guarded := checkImports(importRules[0], []pkg{{ImportPath: module + "/renamed"}}); guarded {
		t.Error("a rule without packages claims to guard some")
	}
	for _, c := range []struct {
		from, dep string
		bad       bool
	}{
		{"api/v1alpha1", module + "/internal/key", true},
		{"api/v1alpha1", "k8s.io/api/core/v1", false},
		{"conformance", module + "/internal/gateway", true},
		{"conformance", "net/http", false},
		{"internal/lifecycle", "k8s.io/apimachinery/pkg/types", true},
		{"internal/lifecycle", module + "/internal/key", true},
		{"internal/lifecycle", "golang.org/x/time/rate", true},
		{"internal/lifecycle", "encoding/json", false},
		{"internal/lifecycle", "vendor/golang.org/x/net/idna", false},
		{"internal/key", "k8s.io/client-go/rest", true},
		{"internal/directory", "sigs.k8s.io/controller-runtime", true},
		{"internal/directory", "golang.org/x/sync/singleflight", false},
		{"internal/gateway", "k8s.io/klog/v2", true},
		{"internal/gateway/page", "k8s.io/klog/v2", true},
		{"internal/gateway", module + "/controllers/session", true},
		{"internal/gateway/websocket", module + "/internal/gateway/answer", true},
		{"internal/gateway/rawtcp", module + "/internal/directory", true},
		{"internal/gateway/rawtcp", module + "/internal/key", false},
		{"internal/gatewayless", "k8s.io/klog/v2", false},
		{"internal/sessionapi", "k8s.io/klog/v2", true},
		{"internal/sessionapi", module + "/internal/cluster", true},
		{"internal/sessionapi", module + "/internal/gateway", false},
		{"client", "golang.org/x/sync/errgroup", true},
		{"client", module + "/internal/key", true},
		{"client", "net/http", false},
		{"internal/podspec", "k8s.io/client-go/rest", true},
		{"internal/podspec", "k8s.io/api/core/v1", false},
		{"internal/cluster", "k8s.io/client-go/rest", false},
		{"controllers/session", module + "/internal/gateway", true},
		{"controllers/session", module + "/internal/lifecycle", false},
		{"controllers/session", module + "/controllers/template", true},
		{"controllers/session", module + "/controllers/session/fake", false},
		{"cmd/dormouse", module + "/test/house", true},
	} {
		t.Run(c.from+" on "+c.dep, func(t *testing.T) {
			pkgs := []pkg{{ImportPath: module + "/" + c.from, Deps: []string{"fmt", c.dep}}}
			found := checkControllers(pkgs)
			for _, r := range importRules {
				more, _ := checkImports(r, pkgs)
				found = append(found, more...)
			}
			if bad := len(found) > 0; bad != c.bad {
				t.Errorf("broken rules: %v, want %v: %v", bad, c.bad, found)
			}
		})
	}
}

// Names that say nothing about what is in a package, so that in the end everything is.
var emptyNames = []string{"util", "utils", "common", "helper", "helpers", "types", "constants", "misc"}

// checkNames looks for packages called by one of emptyNames, by the package clause and by the folder.
func checkNames(all []file) []finding {
	const why = "a package is named after what it does; a name that fits everything collects everything, and everything imports it."
	var found []finding
	for _, f := range all {
		if f.tree == nil {
			continue
		}
		dir := f.path[:max(0, strings.LastIndexByte(f.path, '/'))]
		names := append(strings.Split(dir, "/"), strings.TrimSuffix(f.tree.Name.Name, "_test"))
		for _, name := range slices.Compact(names) {
			if slices.Contains(emptyNames, name) {
				found = append(found, finding{f.path, fmt.Sprintf("is in a package or folder called %s", name), why})
			}
		}
	}
	return found
}

func TestNames(t *testing.T) { none(t, checkNames(files(t))) }

func TestNamesCanFail(t *testing.T) {
	finds(t, checkNames([]file{
		source(t, "internal/util/a.go", "package util"),
		source(t, "internal/good/b.go", "package helpers_test"),
		source(t, "hack/common/deeper/c.go", "package deeper"),
		source(t, "internal/podspec/types.go", "package podspec"),
		source(t, "main.go", "package main"),
	}), "internal/util/a.go", "internal/good/b.go", "hack/common/deeper/c.go")
}
