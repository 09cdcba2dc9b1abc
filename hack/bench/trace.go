package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// legs of a wake and of a bare start: each ends when the API server gets a write, the last with the answer.
var legs = []string{
	"the request to the touch (gateway)",
	"to the pod's create (API server, operator; of the others: client)",
	"to its binding (API server, scheduler)",
	"to its address (kubelet)",
	"to the publication (API server, operator)",
	"to the answer (API server, gateway, pod; of the others: client, pod)",
}

// trace is how long each leg of a start took; a leg that it does not have is negative.
type trace [6]time.Duration

// printTrace prints the medians of the legs. All clocks are one: everything runs on this machine.
func printTrace(out io.Writer, r runs, writes []write) {
	columns := [][]trace{
		tracesOf(wakeTrace, r.wake, r.end, writes), tracesOf(bareTrace, r.least, r.end, writes), tracesOf(bareTrace, r.bare, r.end, writes),
	}
	fmt.Fprintf(out, "\nWhere the time goes, from the audit log: medians in ms (of %d, %d and %d)\n\n", len(columns[0]), len(columns[1]), len(columns[2]))
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\twake\tits writes and watches\tbare pod")
	for i, leg := range legs {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", leg, medianOf(columns[0], i), medianOf(columns[1], i), medianOf(columns[2], i))
	}
	fmt.Fprintf(t, "all without scheduler and kubelet\t%s\t%s\t%s\n",
		medianOf(columns[0], 0, 1, 4, 5), medianOf(columns[1], 1, 5), medianOf(columns[2], 1, 5))
	_ = t.Flush()
}

func tracesOf(of func(cycle) (trace, bool), starts []sample, end time.Time, writes []write) (traces []trace) {
	for _, c := range cyclesOf(starts, end, writes) {
		if t, ok := of(c); ok {
			traces = append(traces, t)
		}
	}
	return traces
}

// medianOf is the median of the sum of some legs.
func medianOf(traces []trace, legs ...int) string {
	var took []time.Duration
	for _, t := range traces {
		sum := time.Duration(0)
		for _, leg := range legs {
			sum += t[leg]
		}
		took = append(took, sum)
	}
	if len(took) == 0 || slices.Max(took) < 0 {
		return "" // none has this leg
	}
	return ms(median(took))
}

func wakeTrace(c cycle) (trace, bool) {
	touch, ok1 := c.first(c.start.sent, func(w write) bool { return w.user == gateways && w.resource == "sessions/status" })
	create, ok2 := c.first(touch, created)
	bound, ok3 := c.first(create, bind)
	publish, ok4 := c.first(create, func(w write) bool { return w.user == operator && w.resource == "sessions/status" })
	address, ok5 := c.last(publish, statusOfPod)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return trace{}, false
	}
	return trace{
		touch.Sub(c.start.sent), create.Sub(touch), bound.Sub(create), address.Sub(bound), publish.Sub(address), c.start.answered.Sub(publish),
	}, true
}

func bareTrace(c cycle) (trace, bool) {
	create, ok1 := c.first(c.start.sent, created)
	bound, ok2 := c.first(create, bind)
	address, ok3 := c.last(c.start.addressed, statusOfPod)
	if !ok1 || !ok2 || !ok3 {
		return trace{}, false
	}
	return trace{-1, create.Sub(c.start.sent), bound.Sub(create), address.Sub(bound), -1, c.start.answered.Sub(address)}, true
}

func created(w write) bool     { return w.verb == "create" && w.resource == "pods" }
func bind(w write) bool        { return w.resource == "pods/binding" }
func statusOfPod(w write) bool { return w.user == kubelet && w.resource == "pods/status" }

// first is when the first such write came, from a time on.
func (c cycle) first(from time.Time, which func(write) bool) (time.Time, bool) {
	for _, w := range c.inOrder() {
		if which(w) && !w.at.Before(from) {
			return w.at, true
		}
	}
	return time.Time{}, false
}

// last is when the last such write came, before a time.
func (c cycle) last(before time.Time, which func(write) bool) (at time.Time, ok bool) {
	for _, w := range c.inOrder() {
		if which(w) && w.at.Before(before) {
			at, ok = w.at, true
		}
	}
	return at, ok
}

// inOrder is the writes by when they came in; the log has them by when they were answered.
func (c cycle) inOrder() []write {
	return slices.SortedFunc(slices.Values(c.writes), func(a, b write) int { return a.at.Compare(b.at) })
}
