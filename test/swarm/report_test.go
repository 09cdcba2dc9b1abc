//go:build linux

package swarm

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts what was covered.
type tally struct {
	mu sync.Mutex
	n  map[string]int64
}

func (t *tally) add(what string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]int64{}
	}
	t.n[what] += n
}

func (t *tally) set(what string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n == nil {
		t.n = map[string]int64{}
	}
	t.n[what] = n
}

func (t *tally) get(what string) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.n[what]
}

// String is a table.
func (t *tally) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var text strings.Builder
	for _, what := range slices.Sorted(maps.Keys(t.n)) {
		fmt.Fprintf(&text, "%8d  %s\n", t.n[what], what)
	}
	return text.String()
}

// diary is when something was not as it should be.
type diary struct {
	now     func() int64
	journal *journal
	mu      sync.Mutex
	spans   []*span
}

type span struct {
	what     string
	from, to int64 // to is zero as long as it lasts
}

// overlaps says whether it was so at any time between.
func (s *span) overlaps(from, to int64) bool { return s.from <= to && (s.to == 0 || s.to >= from) }

// begin notes that something begins, and gives its end.
func (d *diary) begin(what string) (end func()) {
	s := &span{what: what, from: d.now()}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.spans = append(d.spans, s)
	d.journal.note("begins: %s", what)
	return func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		s.to = d.now()
		d.journal.note("ends: %s", what)
	}
}

// during says whether it was so at any time between.
func (d *diary) during(what string, from, to int64) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.ContainsFunc(d.spans, func(s *span) bool { return s.what == what && s.overlaps(from, to) })
}

// lasted is for how long it was so between, at most: what overlaps counts twice.
func (d *diary) lasted(what string, from, to int64) (all time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, s := range d.spans {
		last := s.to
		if last == 0 {
			last = to
		}
		if s.what == what {
			all += time.Duration(max(0, min(last, to)-max(s.from, from)))
		}
	}
	return all
}

// fault notes that the product, or what it was promised, is at fault.
func (r *run) fault(format string, args ...any) {
	text := fmt.Sprintf("%8.3f s: ", seconds(r.now())) + fmt.Sprintf(format, args...)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults = append(r.faults, text)
	r.t.Log("FAULT " + text)
	r.journal.note("FAULT %s", text)
}

// excuse notes a request that failed as it may.
func (r *run) excuse(why string) {
	r.tally.add("failed as it may: "+why, 1)
}

// journal is what happened to pods, in a file beside the logs, for whoever looks for the cause of a fault.
type journal struct {
	now  func() int64
	mu   sync.Mutex
	file io.Writer
}

func (j *journal) note(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fmt.Fprintf(j.file, "%8.3f "+format+"\n", append([]any{seconds(j.now())}, args...)...)
}
