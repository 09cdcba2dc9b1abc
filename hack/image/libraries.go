package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// libraries are the linker of a dynamic binary and its libraries, at the paths where the machine has them.
func (p place) libraries(binary string) ([]file, error) {
	path, err := filepath.Abs(binary) // ldd takes a bare name for none
	if err != nil {
		return nil, fmt.Errorf("find the libraries: %w", err)
	}
	cmd := exec.Command("ldd", path)
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+p.libraryPath())
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("find the libraries of %s: ldd: %w", binary, err)
	}
	var files []file
	for line := range strings.Lines(string(out)) {
		name, where, found := strings.Cut(strings.TrimSpace(line), " => ")
		if !found {
			where = name // the linker, or what the kernel itself gives
		}
		where, _, _ = strings.Cut(where, " (0x")
		switch {
		case strings.HasPrefix(where, "/"):
			files = append(files, file{p.strip(where), where})
		case found:
			return nil, fmt.Errorf("%s needs %s, which is not here", binary, name)
		}
	}
	return files, nil
}
