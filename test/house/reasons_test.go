package house

import (
	"fmt"
	"go/ast"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// troubleshooting is what people read who saw a reason in a condition.
const troubleshooting = "docs/troubleshooting.md"

// checkReasons compares the constants of api and of the gateway that are called Reason... with the headings of troubleshooting.
func checkReasons(all []file) []finding {
	const why = "a condition or an answer is for a person: who sees a reason looks for it in docs/troubleshooting.md, and finds what it means and what to do."
	reasons := map[string]string{}
	var headings map[string]string
	for _, f := range all {
		switch {
		case f.golang() && !f.test() && (f.under("api/v1alpha1") || f.under("internal/gateway")):
			collectReasons(f, reasons)
		case f.path == troubleshooting:
			headings = reasonHeadings(f)
		}
	}
	if headings == nil {
		return []finding{{troubleshooting, "does not exist", why}}
	}
	if len(reasons) == 0 {
		return []finding{{"api/v1alpha1", "has no constant called Reason...: this check looks in the wrong place", why}}
	}
	var found []finding
	for reason, at := range reasons {
		if headings[reason] == "" {
			found = append(found, finding{at, fmt.Sprintf("reason %s has no heading in %s", reason, troubleshooting), why})
		}
	}
	for heading, at := range headings {
		if reasons[heading] == "" {
			found = append(found, finding{at, fmt.Sprintf("no reason is called %s (a heading of one word is a reason)", heading), why})
		}
	}
	return found
}

// collectReasons adds the reasons that f declares, and where. One whose value is no plain text counts by its name.
func collectReasons(f file, reasons map[string]string) {
	for _, d := range f.tree.Decls {
		consts, ok := d.(*ast.GenDecl)
		if !ok || consts.Tok != token.CONST {
			continue
		}
		for _, spec := range consts.Specs {
			spec := spec.(*ast.ValueSpec)
			for i, name := range spec.Names {
				if reason, ok := strings.CutPrefix(name.Name, "Reason"); ok && reason != "" {
					reasons[text(spec.Values, i, reason)] = f.at(name)
				}
			}
		}
	}
}

// text is the i-th value if that is a plain text, or else otherwise.
func text(values []ast.Expr, i int, otherwise string) string {
	if i >= len(values) {
		return otherwise
	}
	if lit, ok := values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
		if s, err := strconv.Unquote(lit.Value); err == nil {
			return s
		}
	}
	return otherwise
}

// A heading of one word, below the title, with or without backquotes.
var reasonHeading = regexp.MustCompile("^##+ +`?([A-Z][A-Za-z0-9]*)`?$")

// reasonHeadings are the headings of f that name a reason, and where.
func reasonHeadings(f file) map[string]string {
	headings := map[string]string{}
	fenced := false
	for i, line := range strings.Split(string(f.text), "\n") {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		if m := reasonHeading.FindStringSubmatch(strings.TrimSpace(line)); m != nil && !fenced {
			headings[m[1]] = fmt.Sprintf("%s:%d", f.path, i+1)
		}
	}
	return headings
}

func TestReasons(t *testing.T) { none(t, checkReasons(files(t))) }

func TestReasonsCanFail(t *testing.T) {
	api := source(t, "api/v1alpha1/conditions.go", `package v1alpha1

const ReasonServing = "Serving"
const (
	ReasonAsleep = "Asleep"
	EventAwake = "Awake"
	ReasonBusy = prefix + "Busy"
)
func f() { const ReasonLocal = "Local" }
var ReasonVar = "Var"
`)
	docs := source(t, troubleshooting, strings.Join([]string{
		"# Troubleshooting", "## Reasons of a Session", "### `Serving`", "text", "### Gone", "```", "## Comment", "```",
	}, "\n"))
	finds(t, checkReasons([]file{api, docs}), "api/v1alpha1/conditions.go:5", "api/v1alpha1/conditions.go:7", troubleshooting+":5")
	finds(t, checkReasons([]file{api}), troubleshooting)
	finds(t, checkReasons([]file{docs}), "api/v1alpha1")
}
