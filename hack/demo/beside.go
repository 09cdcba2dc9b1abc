package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
)

// besideFile is the file in a program's folder that says what of Debian its image has beside it: in each line a file, as hack/image's -add
// takes it, and the package that has it.
const besideFile = "debian"

// beside are the arguments for hack/image that put that into the image, once it is here.
func (d *demo) beside(ctx context.Context, p program) ([]string, error) {
	if p.beside == "" {
		return nil, nil
	}
	text, err := os.ReadFile(p.beside)
	if err != nil {
		return nil, fmt.Errorf("read what goes beside %s: %w", p.name, err)
	}
	files, packages, err := besides(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.beside, err)
	}
	root, err := d.run(ctx, "fetching the Debian packages "+strings.Join(packages, ", "), "hack/debian", packages...)
	if err != nil {
		return nil, fmt.Errorf("%w\nWithout Debian's packages, name another image than that of %s in the manifests; see the README of the example", err, p.name)
	}
	args := []string{"-root", strings.TrimSpace(root)}
	for _, f := range files {
		args = append(args, "-add", f)
	}
	return args, nil
}

// besides reads such a file.
func besides(text string) (files, packages []string, err error) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		if len(words) != 2 {
			return nil, nil, fmt.Errorf("%q is not a file and its package", strings.TrimSpace(line))
		}
		files, packages = append(files, words[0]), append(packages, words[1])
	}
	slices.Sort(packages)
	return files, slices.Compact(packages), nil
}
