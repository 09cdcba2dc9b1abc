package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// errWrong is a pipeline that no worker can run, however often it is tried.
var errWrong = errors.New("the pipeline is wrong")

// longestWait is how long one step may wait.
const longestWait = time.Minute

// pipeline is what a user wants done: each step makes new lines out of those of the step before.
type pipeline struct {
	Text  string   `json:"text"`
	Steps []string `json:"steps"` // words, lower, sort, unique, count; "wait 2s", as for a service that is slow; hang, as for one that does not answer its first caller
}

// steps are those that only compute. What they are given is theirs to change.
var steps = map[string]func(lines []string) []string{
	"words": func(lines []string) []string { return strings.Fields(strings.Join(lines, "\n")) },
	"lower": func(lines []string) []string {
		for i, l := range lines {
			lines[i] = strings.ToLower(l)
		}
		return lines
	},
	"sort":   func(lines []string) []string { slices.Sort(lines); return lines },
	"unique": slices.Compact[[]string], // of neighbours
	"count":  func(lines []string) []string { return []string{strconv.Itoa(len(lines))} },
}

// run takes the steps one after the other, and notes each before it begins. first says that no worker has tried before.
func (p pipeline) run(ctx context.Context, first bool, note func(ctx context.Context, line string) error) (string, error) {
	lines := strings.Split(p.Text, "\n")
	for i, name := range p.Steps {
		if err := note(ctx, fmt.Sprintf("step %d of %d: %s, %d lines", i+1, len(p.Steps), name, len(lines))); err != nil {
			return "", err
		}
		var err error
		if lines, err = take(ctx, first, name, lines); err != nil {
			return "", fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return strings.Join(lines, "\n"), nil
}

func take(ctx context.Context, first bool, name string, lines []string) ([]string, error) {
	if long, ok := strings.CutPrefix(name, "wait "); ok {
		return lines, wait(ctx, long)
	}
	if name == "hang" {
		return lines, hang(ctx, first)
	}
	step, ok := steps[name]
	if !ok {
		return nil, fmt.Errorf("%w: nobody here can %q", errWrong, name)
	}
	return step(lines), nil
}

func hang(ctx context.Context, first bool) error {
	if !first {
		return nil
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

func wait(ctx context.Context, long string) error {
	d, err := time.ParseDuration(long)
	if err != nil || d < 0 || d > longestWait {
		return fmt.Errorf("%w: to wait %q is not between nothing and %s", errWrong, long, longestWait)
	}
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}
