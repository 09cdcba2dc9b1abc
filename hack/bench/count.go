package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Targets of a cycle.
const (
	maxWrites = 8
	maxEvents = 2
)

// kind is what writes are counted by. code is 0 for those that were taken.
type kind struct {
	user, verb, resource string
	code                 int32
}

func (w write) kind() kind {
	k := kind{w.user, w.verb, w.resource, 0}
	if w.code >= 300 {
		k.code = w.code
	}
	return k
}

// cycle is all that was written about one session from a request on, until the next or the end.
type cycle struct {
	start  sample
	writes []write
}

func cyclesOf(starts []sample, end time.Time, writes []write) []cycle {
	cycles := make([]cycle, len(starts))
	for i, s := range starts {
		cycles[i].start = s
		until := end
		if i+1 < len(starts) && starts[i+1].object == s.object {
			until = starts[i+1].sent
		}
		for _, w := range writes {
			if w.concerns(s.object) && !w.at.Before(s.sent) && w.at.Before(until) {
				cycles[i].writes = append(cycles[i].writes, w)
			}
		}
	}
	return cycles
}

func (c cycle) count(which func(write) bool) (n int) {
	for _, w := range c.writes {
		if which(w) {
			n++
		}
	}
	return n
}

// most is the largest number of such writes in one cycle.
func most(cycles []cycle, which func(write) bool) (n int) {
	for _, c := range cycles {
		n = max(n, c.count(which))
	}
	return n
}

// quick takes apart the cycles that say something of ours, and those that say how slow the machine was.
func quick(all []cycle) (quick, slow []cycle) {
	for _, c := range all {
		if c.slow() {
			slow = append(slow, c)
			continue
		}
		quick = append(quick, c)
	}
	return quick, slow
}

// slow says whether a cycle has a write more by design: while a request waits its gateway touches again, from a quarter of
// idle.after on, and a pod that its kubelet takes over two seconds to finish is finished by the operator.
func (c cycle) slow() bool {
	released := false
	for _, w := range c.inOrder() {
		if w.user == operator && w.resource == "pods" {
			if released && w.verb == "delete" {
				return true
			}
			released = released || w.verb == "patch"
		}
	}
	return c.start.took() > idleAfter/4
}

func ourWrites(w write) bool { return w.ours() && w.resource != "events" }
func ourEvents(w write) bool { return w.ours() && w.resource == "events" }
func others(w write) bool    { return !w.ours() }

// printWrites prints what was written by whom, and fails if there is more of ours than promised.
func printWrites(out io.Writer, r runs, writes []write) error {
	cycles, slow := quick(cyclesOf(r.wake, r.end, writes))
	fmt.Fprintf(out, "\nAPI writes of %d cycles of one session: asleep, woken, asleep; Leases aside\n\n", len(cycles))
	if len(slow) > 0 {
		fmt.Fprintf(out, "%d more are left out: the machine was slow, which costs a write more by design; the worst:\n%s\n", len(slow), story(worst(slow)))
	}
	if len(cycles) == 0 {
		return errors.New("the machine is too slow to count on it")
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "by\tverb\tresource\tin all\ta cycle\tmost in one\t")
	missed := false
	for _, part := range []struct {
		title string
		which func(write) bool
		limit int
	}{
		{"ours, without events", ourWrites, maxWrites}, {"events of ours", ourEvents, maxEvents}, {"others, for comparison", others, 0},
	} {
		printKinds(t, cycles, part.which)
		n := most(cycles, part.which)
		verdict := ""
		if part.limit > 0 {
			verdict = fmt.Sprintf("target: at most %d: %s", part.limit, okay(n <= part.limit))
		}
		missed = missed || part.limit > 0 && n > part.limit
		printRow(t, part.title+"\t\t", cycles, part.which, verdict)
	}
	_ = t.Flush()
	printTemplate(out, r, writes)
	printFresh(out, r, writes)
	if c := worst(cycles); c.count(ourWrites) > maxWrites {
		fmt.Fprintf(out, "\nthe cycle with the most of ours, in ms since its request, which was answered at %s:\n%s", ms(c.start.took()), story(c))
	}
	if missed {
		return errors.New("a cycle has more writes than promised")
	}
	return nil
}

func printKinds(t io.Writer, cycles []cycle, which func(write) bool) {
	found := map[kind]bool{}
	for _, c := range cycles {
		for _, w := range c.writes {
			if which(w) {
				found[w.kind()] = true
			}
		}
	}
	order := make([]kind, 0, len(found))
	for k := range found {
		order = append(order, k)
	}
	slices.SortFunc(order, func(a, b kind) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	for _, k := range order {
		refused := ""
		if k.code != 0 {
			refused = fmt.Sprintf(" (answered %d)", k.code)
		}
		printRow(t, k.user+"\t"+k.verb+"\t"+k.resource+refused, cycles, func(w write) bool { return w.kind() == k }, "")
	}
}

func printRow(t io.Writer, title string, cycles []cycle, which func(write) bool, verdict string) {
	total := 0
	for _, c := range cycles {
		total += c.count(which)
	}
	fmt.Fprintf(t, "%s\t%d\t%.2f\t%d\t%s\n", title, total, float64(total)/float64(len(cycles)), most(cycles, which), verdict)
}

// printTemplate tells of the writes that many cycles share.
func printTemplate(out io.Writer, r runs, writes []write) {
	began, n := r.wake[0].sent, 0
	for _, w := range writes {
		if w.ours() && w.resource == "sessiontemplates/status" && !w.at.Before(began) {
			n++
		}
	}
	fmt.Fprintf(out, "\nstatus of the template, which counts its sessions for all of them: %d writes in %.0f s\n", n, r.end.Sub(began).Seconds())
}

// printFresh tells what the first cycle of a new key costs.
func printFresh(out io.Writer, r runs, writes []write) {
	if len(r.fresh) == 0 {
		return
	}
	cycles := cyclesOf(r.fresh, r.end, writes)
	fmt.Fprintf(out, "the first cycle of a new key: at most %d writes of ours and %d events, of which\n%s",
		most(cycles, ourWrites), most(cycles, ourEvents), story(cycles[0]))
}

// worst is the cycle with the most writes of ours.
func worst(cycles []cycle) cycle {
	return slices.MaxFunc(cycles, func(a, b cycle) int { return a.count(ourWrites) - b.count(ourWrites) })
}

// story lists our writes of a cycle in their order.
func story(c cycle) string {
	var text strings.Builder
	for _, w := range c.writes {
		if w.ours() {
			fmt.Fprintf(&text, "  %8s  %-8s  %-6s  %-15s  %d\n", ms(w.at.Sub(c.start.sent)), w.user, w.verb, w.resource, w.code)
		}
	}
	return text.String()
}

func okay(ok bool) string {
	if ok {
		return "ok"
	}
	return "MISSED"
}
