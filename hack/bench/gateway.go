package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// The processors: one is the load's, the pod's and this program's, and the other is the server's under test.
const (
	loadCPU   = "0"
	serverCPU = "1"
)

// contest is gateways side by side, before the same pod, on loopback.
type contest struct {
	root, folder string // of the repository, and of what the contest writes
	only         *regexp.Regexp
	rounds       int
	seconds      int // a turn of one gateway at one load
	pod          peer
	sockets      string // address of the pod that WebSockets and uploads go to, which is this program
	peers        []*peer
	ports        int // that were given out, or taken by others
}

// compare puts the gateways side by side, and prints what they cost.
func compare(ctx context.Context, o options) (err error) {
	c := &contest{only: o.only, rounds: o.n, seconds: o.seconds}
	if c.root, err = repository(ctx); err != nil {
		return err
	}
	if c.folder, err = os.MkdirTemp("", "dormouse-gateways-*"); err != nil {
		return fmt.Errorf("make a folder: %w", err)
	}
	defer func() { _ = os.RemoveAll(c.folder) }()
	if _, err := run(ctx, c.root, "moving to one processor", "taskset", "-acp", loadCPU, strconv.Itoa(os.Getpid())); err != nil {
		return errors.Join(errors.New("two processors are needed: one for the load, one for the server under test"), err)
	}
	if _, err := run(ctx, c.root, "installing the others", "hack/packages", "nginx", "haproxy", "wrk", "nghttp2-client"); err != nil {
		return err
	}
	if _, err := run(ctx, c.root, "building the servers", "go", "build", "-o", c.server(), "./hack/bench/server"); err != nil {
		return err
	}
	life, end := context.WithCancel(ctx)
	defer c.await()
	defer end()
	if c.sockets, err = serveSockets(life); err != nil {
		return err
	}
	if err := c.start(life); err != nil {
		return err
	}
	return c.all(ctx, os.Stdout)
}

// all measures and prints, part by part: memory first, while the servers are fresh.
func (c *contest) all(ctx context.Context, out io.Writer) error {
	if c.only.MatchString("memory") {
		weights, err := c.weigh(ctx)
		if err != nil {
			return err
		}
		printWeights(out, weights)
	}
	began := time.Now()
	scores, err := c.play(ctx)
	if err != nil {
		return err
	}
	if len(scores) > 0 {
		printContest(out, scores, c.rounds, time.Since(began))
	}
	if c.only.MatchString("waiters") {
		waiters, err := c.wait(ctx)
		if err != nil {
			return err
		}
		printPatient(out, waiters)
	}
	return nil
}

// server is the program of hack/bench/server.
func (c *contest) server() string { return filepath.Join(c.folder, "server") }
