package main

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// hits are the benchmarks of the hot path. Each runs on one processor, so that its time is processor time; that of a whole
// request has the client's and the pod's part in it too.
var hits = []struct{ what, folder, benchmark string }{
	{"find an awake session", "./internal/directory", "BenchmarkEnter"},
	{"resolve a request", "./internal/gateway", "BenchmarkResolve"},
	{"a whole request, with pod and client", "./internal/gateway", "BenchmarkHit"},
}

var result = regexp.MustCompile(`(?m)^Benchmark\S+\s+\d+\s+(\S+) ns/op\s+(\d+) B/op\s+(\d+) allocs/op$`)

// hit runs the benchmarks of the hot path and prints the median of each figure.
func hit(ctx context.Context, o options) error {
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	var text strings.Builder
	t := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\tprocessor time\tallocations\tbytes")
	for _, h := range hits {
		out, err := run(ctx, root, "running "+h.benchmark, "go", "test", "-run", "^$", "-bench", "^"+h.benchmark+"$",
			"-benchmem", "-cpu", "1", "-count", strconv.Itoa(o.n), h.folder)
		if err != nil {
			return err
		}
		took, bytes, allocs, err := medians(out)
		if err != nil {
			return fmt.Errorf("%s: %w:\n%s", h.benchmark, err, out)
		}
		fmt.Fprintf(t, "%s\t%s\t%.0f\t%.0f\n", h.what, time.Duration(took).Round(time.Nanosecond), allocs, bytes)
	}
	_ = t.Flush()
	fmt.Fprintf(os.Stdout, "\nThe hot path: medians of %d\n\n%s", o.n, text.String())
	return nil
}

// medians reads what go test -bench prints: nanoseconds, bytes and allocations of an operation.
func medians(out string) (took, bytes, allocs float64, err error) {
	lines := result.FindAllStringSubmatch(out, -1)
	if len(lines) == 0 {
		return 0, 0, 0, fmt.Errorf("no result")
	}
	var columns [3][]float64
	for _, line := range lines {
		for i := range columns {
			v, err := strconv.ParseFloat(line[i+1], 64)
			if err != nil {
				return 0, 0, 0, err
			}
			columns[i] = append(columns[i], v)
		}
	}
	for i := range columns {
		slices.Sort(columns[i])
	}
	middle := len(lines) / 2
	return columns[0][middle], columns[1][middle], columns[2][middle], nil
}
