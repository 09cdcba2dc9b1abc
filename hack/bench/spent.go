package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// spent is the processor time of all threads of a process, in its own code and in the kernel's. It is what /proc/PID/stat gives as utime
// and stime in hundredths of a second, but to the nanosecond.
func spent(pid int) (time.Duration, error) {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil || len(threads) == 0 {
		return 0, fmt.Errorf("no process %d: %w", pid, err)
	}
	var sum time.Duration
	for _, thread := range threads {
		text, err := os.ReadFile(thread)
		if err != nil {
			return 0, fmt.Errorf("a thread of the server has ended: %w", err)
		}
		on, err := onProcessor(string(text))
		if err != nil {
			return 0, err
		}
		sum += on
	}
	return sum, nil
}

// onProcessor reads a schedstat: nanoseconds on a processor, nanoseconds in its queue, and turns.
func onProcessor(schedstat string) (time.Duration, error) {
	fields := strings.Fields(schedstat)
	if len(fields) != 3 {
		return 0, fmt.Errorf("a schedstat is %q", schedstat)
	}
	ns, err := strconv.ParseInt(fields[0], 10, 64)
	return time.Duration(ns), err
}

// resident is the memory of a process that is not Go's: what of it is in RAM, in bytes.
func resident(pid int) (uint64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	return residentIn(string(text))
}

func residentIn(status string) (uint64, error) {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("no VmRSS in a process's status")
}
