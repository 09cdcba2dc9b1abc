package story

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strings"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/kill9"
)

// Kubectl runs kubectl in the namespace, and returns what it printed.
func (s *Stage) Kubectl(ctx context.Context, args ...string) (string, error) {
	return s.Tell(ctx, "", args...)
}

// Tell does the same with a text as kubectl's input.
func (s *Stage) Tell(ctx context.Context, text string, args ...string) (string, error) {
	cmd := s.kubectl(ctx, args...)
	cmd.Stdin = strings.NewReader(text)
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("kubectl %s: %w: %s", strings.Join(args, " "), err, strings.TrimSpace(complaints.String()))
	}
	return strings.TrimSpace(out.String()), nil
}

// Pods are the names of the pods that there are.
func (s *Stage) Pods(ctx context.Context) ([]string, error) {
	names, err := s.Kubectl(ctx, "get", "pods", "-o", "name")
	return strings.Fields(strings.ReplaceAll(names, "pod/", "")), err
}

// Count is how many objects of a kind there are.
func (s *Stage) Count(ctx context.Context, kind string) (int, error) {
	names, err := s.Kubectl(ctx, "get", kind, "-o", "name")
	return len(strings.Fields(names)), err
}

// Kill ends the process of a session with kill -9. Its program calls kill9.IfAsked.
func (s *Stage) Kill(ctx context.Context, found client.Session, program string) error {
	said, err := s.Kubectl(ctx, "exec", found.Name, "--", program, kill9.Argument)
	if err == nil {
		s.Saw("%s", said)
	}
	return err
}

// Follow runs kubectl in the namespace until it ends or ctx does, and hands over each line that it prints. What it reads comes from in; nil:
// nothing.
func (s *Stage) Follow(ctx context.Context, in io.Reader, line func(string), args ...string) error {
	cmd := s.kubectl(ctx, args...)
	cmd.Stdin = in
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("kubectl %s: %w", strings.Join(args, " "), err)
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		line(lines.Text())
	}
	return cmd.Wait()
}

func (s *Stage) kubectl(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "kubectl", append([]string{"-n", s.Namespace}, args...)...) //nolint:gosec // a story's own
}
