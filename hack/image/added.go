package main

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// place is a machine's root folder, and one over it, in which packages lie that the machine does not have. The zero place is the machine.
type place struct{ over string }

// added are the files that a text stands for: the name of a file or of a folder on the machine, or a pattern of them, and, where
// that is another one, "=" and the path in the image.
func (p place) added(text string) (files []file, err error) {
	pattern, as, other := strings.Cut(text, "=")
	found, err := p.find(pattern)
	if err != nil {
		return nil, err
	}
	for _, from := range found {
		to := p.strip(from)
		if other {
			to = as
		}
		err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				files = append(files, file{filepath.ToSlash(to + strings.TrimPrefix(path, from)), path})
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("add %s: %w", from, err)
		}
	}
	return files, nil
}

// find looks into the folder over the machine, and then into the machine.
func (p place) find(pattern string) ([]string, error) {
	if !filepath.IsAbs(pattern) {
		return nil, fmt.Errorf("add %q: it is no name of a file from the root on", pattern)
	}
	for _, root := range []string{p.over, ""} {
		found, err := filepath.Glob(root + pattern)
		if err != nil {
			return nil, fmt.Errorf("add %q: %w", pattern, err)
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, fmt.Errorf("add %q: there is no such file", pattern)
}

// strip is the path that a file would have on the machine.
func (p place) strip(path string) string {
	if p.over == "" {
		return path
	}
	return strings.TrimPrefix(path, p.over)
}

// libraryPath is where the packages over the machine have their libraries, as the linker wants it.
func (p place) libraryPath() string {
	var all []string
	for _, pattern := range []string{"/usr/lib/*-linux-gnu", "/lib/*-linux-gnu"} {
		if p.over != "" {
			found, _ := filepath.Glob(p.over + pattern) // the pattern is sound
			all = append(all, found...)
		}
	}
	return strings.Join(all, string(os.PathListSeparator))
}

// linked says whether a file is a program or a library that is linked when it starts.
func linked(path string) bool {
	f, err := elf.Open(path)
	if err != nil {
		return false
	}
	defer func() { _ = f.Close() }()
	needed, err := f.ImportedLibraries()
	return err == nil && len(needed) > 0
}
