// Command requirements writes docs/requirements.md: what the system must do, and which test proves it.
//
// The requirements are in requirements.md beside this file. A test proves one by naming its id: in the comment right above a
// Test or a spec, in the title of a spec, or in the name of a case. What no test proves has a line in reasons.txt.
package main

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// Where things are, from the root of the repository.
const (
	requirementsFile = "hack/requirements/requirements.md"
	reasonsFile      = "hack/requirements/reasons.txt"
	document         = "docs/requirements.md"
)

func main() {
	flag.Usage = func() {
		fmt.Fprintln(os.Stderr, "usage: go run ./hack/requirements   write "+document+", in the root of the repository")
	}
	flag.Parse()
	if err := run("."); err != nil {
		fmt.Fprintln(os.Stderr, "requirements:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	tree := os.DirFS(root)
	c, err := read(tree)
	if err != nil {
		return err
	}
	if found := c.check(tree); len(found) > 0 {
		return fmt.Errorf("%s is not written:\n%s", document, strings.Join(found, "\n"))
	}
	return os.WriteFile(root+"/"+document, []byte(c.render()), 0o644)
}

// coverage is everything that the document says.
type coverage struct {
	text         string // of requirementsFile
	requirements []requirement
	reasons      []reason
	named        []naming
}

func read(tree fs.FS) (c coverage, err error) {
	text, err := fs.ReadFile(tree, requirementsFile)
	if err != nil {
		return c, err
	}
	reasons, err := fs.ReadFile(tree, reasonsFile)
	if err != nil {
		return c, err
	}
	c.text, c.requirements = string(text), parseRequirements(string(text))
	if c.reasons, err = parseReasons(string(reasons)); err != nil {
		return c, err
	}
	c.named, err = scan(tree)
	return c, err
}

// proofs are the tests that name a requirement.
func (c coverage) proofs(id string) []naming {
	var all []naming
	for _, n := range c.named {
		if n.id == id && n.title != "" {
			all = append(all, n)
		}
	}
	return all
}

// reason is why no test proves a requirement, if somebody has said so.
func (c coverage) reason(id string) (reason, bool) {
	for _, r := range c.reasons {
		if r.id == id {
			return r, true
		}
	}
	return reason{}, false
}
