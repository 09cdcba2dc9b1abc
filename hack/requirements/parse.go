package main

import (
	"fmt"
	"regexp"
	"strings"
)

// A requirement is a row of a table of requirementsFile.
type requirement struct{ id, text string }

var row = regexp.MustCompile(`^\| (\d{3}-\d{2}) \| (.*) \|$`)

func parseRequirements(text string) []requirement {
	var all []requirement
	for line := range strings.Lines(text) {
		if m := row.FindStringSubmatch(strings.TrimSpace(line)); m != nil {
			all = append(all, requirement{m[1], m[2]})
		}
	}
	return all
}

// The statuses of what no test proves.
const (
	planned    = "planned"
	design     = "design"
	outOfScope = "out of scope"
)

// A reason is a line of reasonsFile. Links in words are relative to the document.
type reason struct {
	id, status, words string
	line              int
}

var reasonLine = regexp.MustCompile(`^(\d{3}-\d{2}) (` + planned + `|` + design + `|` + outOfScope + `): (\S.*)$`)

func parseReasons(text string) ([]reason, error) {
	var all []reason
	n := 0
	for line := range strings.Lines(text) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		m := reasonLine.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%s:%d: a line is an id, one of %q, %q and %q, a colon and words", reasonsFile, n, planned, design, outOfScope)
		}
		all = append(all, reason{m[1], m[2], m[3], n})
	}
	return all, nil
}
