package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// all are the folders of the examples, in the order of their numbers.
func (d *demo) all() (names []string) {
	folders, _ := filepath.Glob(filepath.Join(d.root, "examples", "[0-9]*")) // the pattern is sound
	for _, f := range folders {
		names = append(names, filepath.Base(f))
	}
	return names
}

// row is an example's row in the table of examples/README.md: its folder, and what it shows.
var row = regexp.MustCompile(`(?m)^\| \[[^]]+\]\(([^/)]+)/README\.md\) \| (.+) \|$`)

// shows is what each example shows, by its folder. The table of examples/README.md is the one place that says it.
func (d *demo) shows() (map[string]string, error) {
	text, err := os.ReadFile(filepath.Join(d.root, "examples", "README.md"))
	if err != nil {
		return nil, fmt.Errorf("read what the examples show: %w", err)
	}
	shows := map[string]string{}
	for _, match := range row.FindAllStringSubmatch(string(text), -1) {
		shows[match[1]] = match[2]
	}
	return shows, nil
}

// catalogue names all examples, a line each, with what it shows.
func (d *demo) catalogue() (string, error) {
	shows, err := d.shows()
	if err != nil {
		return "", err
	}
	names, width := d.all(), 0
	for _, name := range names {
		width = max(width, len(name))
	}
	var text strings.Builder
	for _, name := range names {
		fmt.Fprintf(&text, "  %-*s  %s\n", width, name, shows[name])
	}
	return text.String(), nil
}
