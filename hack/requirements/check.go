package main

import (
	"fmt"
	"io/fs"
	"path"
	"regexp"
)

// again is what to do when what the document says has changed.
const again = "go run ./hack/requirements"

// check gives what is wrong, each with what to do about it.
func (c coverage) check(tree fs.FS) []string {
	known := map[string]bool{}
	for _, r := range c.requirements {
		known[r.id] = true
	}
	found := c.checkNames(known)
	found = append(found, c.checkReasons(known)...)
	for _, r := range c.reasons {
		found = append(found, checkLinks(tree, r)...)
	}
	for _, r := range c.requirements {
		if _, ok := c.reason(r.id); ok || len(c.proofs(r.id)) > 0 {
			continue
		}
		found = append(found, fmt.Sprintf("%s (%s): no test names it, and it has no reason. Name it in the title of the test that proves it, "+
			"or add a line such as \"%s planned: what is to come\" to %s; then %s", r.id, r.text, r.id, reasonsFile, again))
	}
	return found
}

// checkNames looks for ids that mean nothing where they stand.
func (c coverage) checkNames(known map[string]bool) (found []string) {
	for _, n := range c.named {
		at := fmt.Sprintf("%s:%d", n.file, n.line)
		switch {
		case !known[n.id]:
			found = append(found, fmt.Sprintf("%s: %s is no requirement. Mend the id, or add it to %s", at, n.id, requirementsFile))
		case n.title == "":
			found = append(found, fmt.Sprintf("%s: %s is named where no test is. It belongs into the comment right above a Test or a spec, "+
				"the title of a spec, or the name of a case", at, n.id))
		}
	}
	return found
}

// checkReasons looks for reasons that are none, or none any more.
func (c coverage) checkReasons(known map[string]bool) (found []string) {
	first := map[string]int{}
	for _, r := range c.reasons {
		at := fmt.Sprintf("%s:%d", reasonsFile, r.line)
		proofs := c.proofs(r.id)
		switch {
		case !known[r.id]:
			found = append(found, fmt.Sprintf("%s: %s is no requirement. Mend the id, or delete this line", at, r.id))
		case first[r.id] > 0:
			found = append(found, fmt.Sprintf("%s: %s has a reason in line %d already. Delete one of the two", at, r.id, first[r.id]))
		case len(proofs) > 0:
			found = append(found, fmt.Sprintf("%s: %s is %q here, and %s:%d names it (%s). If that test proves it, delete this line, then %s; "+
				"else take the id out of the test", at, r.id, r.status, proofs[0].file, proofs[0].line, proofs[0].title, again))
		}
		if first[r.id] == 0 {
			first[r.id] = r.line
		}
	}
	return found
}

var link = regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)

// checkLinks looks for arguments that cannot be followed.
func checkLinks(tree fs.FS, r reason) (found []string) {
	at := fmt.Sprintf("%s:%d", reasonsFile, r.line)
	links := link.FindAllStringSubmatch(r.words, -1)
	if r.status == design && len(links) == 0 {
		found = append(found, fmt.Sprintf("%s: %s holds by design, and has no link to where that is argued. Add one, relative to %s", at, r.id, path.Dir(document)))
	}
	for _, l := range links {
		to := path.Join(path.Dir(document), l[1])
		if _, err := fs.Stat(tree, to); err != nil {
			found = append(found, fmt.Sprintf("%s: there is no %s. Links are relative to %s", at, to, path.Dir(document)))
		}
	}
	return found
}
