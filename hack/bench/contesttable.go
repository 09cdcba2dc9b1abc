package main

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// printContest prints the table, as Markdown has it.
func printContest(out io.Writer, scores []*score, rounds int, took time.Duration) {
	fmt.Fprintf(out, "\nWhat a request costs: medians of %d rounds, taken in turn, in %.0f s\n\n", rounds, took.Seconds())
	t := tabwriter.NewWriter(out, 0, 0, 1, ' ', 0)
	fmt.Fprintln(t, "| load\t| server\t| CPU, µs\t| to nginx\t| allocations\t| p50, µs\t| above the pod's\t| requests/s\t|")
	fmt.Fprintln(t, "|---\t|---\t|--:\t|--:\t|--:\t|--:\t|--:\t|--:\t|")
	for _, r := range scores {
		fmt.Fprintf(t, "| %s\t| %s\t| %s\t| %s\t| %s\t| %.0f\t| %s\t| %.0f\t|\n", r.load.title, r.peer.name, r.cpu(),
			r.beside(theirs, scores), r.allocations(), r.of(p50Of), r.above(scores), r.of(rateOf))
	}
	_ = t.Flush()
	for _, name := range calling(scores) {
		fmt.Fprintln(out, name)
	}
}

// find is the score of a server at a load.
func find(scores []*score, name, title string) *score {
	for _, r := range scores {
		if r.peer.name == name && r.load.title == title {
			return r
		}
	}
	return nil
}

// cpu is empty for the pod: it is not what is measured, and shares its processor with the load.
func (r *score) cpu() string {
	if r.peer.name == itself {
		return ""
	}
	return fmt.Sprintf("%.1f", r.of(cpuOf))
}

// calling tells what our gateway would have asked of the API server.
func calling(scores []*score) (lines []string) {
	told := map[*peer]bool{}
	for _, r := range scores {
		if n := r.peer.calls; r.peer.holds() && !told[r.peer] {
			told[r.peer] = true
			lines = append(lines, fmt.Sprintf("\nCalls to the API server for %d requests: %d, and %d touches that keep a session awake, whatever the number of its requests",
				n.requests, n.wakes, n.touches))
		}
	}
	return lines
}

// beside is how much processor time it takes beside another at the same load.
func (r *score) beside(name string, scores []*score) string {
	other := find(scores, name, r.load.title)
	if other == nil || r.peer.name == itself {
		return ""
	}
	return fmt.Sprintf("%.2f", r.of(cpuOf)/other.of(cpuOf))
}

func (r *score) allocations() string {
	if !r.peer.goes {
		return ""
	}
	return fmt.Sprintf("%.1f", r.of(mallocsOf))
}

// above is what the server adds to the time of the pod.
func (r *score) above(scores []*score) string {
	pod := find(scores, itself, r.load.title)
	if pod == nil || pod == r {
		return ""
	}
	return fmt.Sprintf("%.0f", r.of(p50Of)-pod.of(p50Of))
}
