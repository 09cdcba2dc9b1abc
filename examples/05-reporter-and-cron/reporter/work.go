package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
)

// job is the input of work.
type job struct {
	Does      string `json:"does"` // sort, fail, die or hog
	Mebibytes int    `json:"mebibytes"`
}

const mebibyte = 1 << 20

func work(context.Context) error {
	var j job
	if err := readInput(&j); err != nil {
		return err
	}
	switch j.Does {
	case "sort":
		return sort(j.Mebibytes)
	case "fail":
		return fmt.Errorf("no such file: %s", os.Getenv("SESSION_KEY"))
	case "die": // as if somebody had said kill -9
		return syscall.Kill(os.Getpid(), syscall.SIGKILL)
	case "hog": // until the kernel has enough of it
		var all [][]byte
		for {
			all = append(all, touched(mebibyte))
		}
	}
	return fmt.Errorf("nobody here can %q", j.Does)
}

// sort sorts numbers that take so much memory.
func sort(mebibytes int) error {
	numbers := make([]uint64, mebibytes*mebibyte/8)
	for i := range numbers {
		numbers[i] = rand.Uint64() //nolint:gosec // numbers, no secrets
	}
	slices.Sort(numbers)
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return err
	}
	return lastWords("sorted %d numbers; took %d MiB of memory", len(numbers), used.Maxrss/1024)
}

// touched is memory of which every page is there.
func touched(size int) []byte {
	b := make([]byte, size)
	for i := 0; i < size; i += os.Getpagesize() {
		b[i] = 1
	}
	return b
}
