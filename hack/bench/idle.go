package main

import (
	"fmt"
	"os"
	"strings"
)

// ticks are what the processors of this machine have done since it began: in all, and nothing.
type ticks struct{ all, idle float64 }

// processors reads the ticks; where there is no /proc they are zero.
func processors() (t ticks) {
	text, _ := os.ReadFile("/proc/stat")
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(strings.TrimPrefix(line, "cpu ")) {
		var n float64
		if _, err := fmt.Sscan(field, &n); err != nil || i > 7 { // the time of guests is in that of users already
			break
		}
		t.all += n
		if i == 3 {
			t.idle = n
		}
	}
	return t
}

// idleSince is the part of the time since then in which the processors had nothing to do, as people read it.
func (t ticks) idleSince(then ticks) string {
	if t.all == then.all {
		return "unknown"
	}
	return fmt.Sprintf("%.0f %%", 100*(t.idle-then.idle)/(t.all-then.all))
}
