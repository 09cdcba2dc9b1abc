package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// longestOutput is how much of a failed command's words an error repeats, in bytes from the end.
const longestOutput = 4000

// run runs a program and returns what it wrote to standard output. The error repeats what it wrote to standard error.
func run(ctx context.Context, program string, args ...string) (string, error) {
	return output(exec.CommandContext(ctx, program, args...))
}

func output(cmd *exec.Cmd) (string, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		said := strings.TrimSpace(stderr.String())
		if len(said) > longestOutput {
			said = "..." + said[len(said)-longestOutput:]
		}
		return stdout.String(), fmt.Errorf("%s: %w\n%s", commandLine(cmd), err, said)
	}
	return stdout.String(), nil
}

// commandLine writes a command as a person would, short.
func commandLine(cmd *exec.Cmd) string {
	words := append([]string{filepath.Base(cmd.Path)}, cmd.Args[1:]...)
	line := strings.Join(words, " ")
	if len(line) > 200 {
		line = line[:200] + "..."
	}
	return line
}

// progress says on standard error what begins, and when it has ended how long it took.
func progress(what string, do func() error) error {
	began := time.Now()
	fmt.Fprint(os.Stderr, what, " ... ")
	err := do()
	if err != nil {
		fmt.Fprintln(os.Stderr, "failed")
		return err
	}
	fmt.Fprintln(os.Stderr, took(time.Since(began)))
	return nil
}

// took writes a duration for people: tenths of a second below ten seconds, whole seconds above.
func took(d time.Duration) string {
	if d < 10*time.Second {
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}
