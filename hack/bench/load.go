package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// load is what a server is asked for, and how.
type load struct {
	title    string
	at       int    // how many requests at once
	host     string // which names a key, and so a pod
	variants bool   // whether these take part
	run      func(ctx context.Context, c *contest, p *peer, l load) (tally, error)
}

// tally is what the client saw of a turn.
type tally struct {
	answered int
	p50      time.Duration
}

// Keys, as hosts: of the pod that gives small answers and large ones, and of the pod that takes WebSockets and uploads.
const (
	small   = "a.bench.test"
	sockets = "sockets.bench.test"
)

// mebi is how large a large body is: 1 MiB.
const mebi = 1 << 20

// loads are all that are measured, in their order.
var loads = []load{
	{title: "HTTP/1.1, 1 at once", at: 1, host: small, run: http1},
	{title: "HTTP/1.1, 32 at once", at: 32, host: small, run: http1, variants: true},
	{title: "HTTP/1.1, 256 at once", at: 256, host: small, run: http1},
	{title: "h2c, 1 at once", at: 1, host: small, run: h2c},
	{title: "h2c, 32 at once", at: 32, host: small, run: h2c},
	{title: "h2c, 256 at once", at: 256, host: small, run: h2c},
	{title: "WebSocket echo, 32 at once", at: 32, host: sockets, run: webSockets},
	{title: "1 MiB down, 32 at once", at: 32, host: small, run: down},
	{title: "1 MiB up, 32 at once", at: 32, host: sockets, run: up},
}

// http1 asks with wrk.
func http1(ctx context.Context, c *contest, p *peer, l load) (tally, error) {
	return wrk(ctx, c, p, l, "/")
}

// down has wrk ask for something large.
func down(ctx context.Context, c *contest, p *peer, l load) (tally, error) {
	return wrk(ctx, c, p, l, "/"+large)
}

// up has wrk send something large.
func up(ctx context.Context, c *contest, p *peer, l load) (tally, error) {
	return wrk(ctx, c, p, l, "/", "-s", filepath.Join(c.folder, script))
}

// Names of files that are made before the first turn: what is large, and what tells wrk to send such a thing.
const (
	large  = "large"
	script = "up.lua"
)

// writeBodies makes these files, each where it is looked for.
func (c *contest) writeBodies() error {
	lua := fmt.Sprintf("wrk.method = \"POST\"\nwrk.body = string.rep(\"x\", %d)\n", mebi)
	return errors.Join(
		os.WriteFile(filepath.Join(c.folder, c.pod.file(), large), make([]byte, mebi), 0o644),
		os.WriteFile(filepath.Join(c.folder, script), []byte(lua), 0o644))
}

func wrk(ctx context.Context, c *contest, p *peer, l load, path string, more ...string) (tally, error) {
	args := append([]string{"-t1", fmt.Sprintf("-c%d", l.at), fmt.Sprintf("-d%ds", c.seconds), "--latency", "-H", "Host: " + l.host}, more...)
	out, err := run(ctx, c.root, l.title+": "+p.name, "wrk", append(args, "http://"+p.http1+path)...)
	if err != nil {
		return tally{}, err
	}
	return readWrk(out)
}

var (
	wrkAnswered = regexp.MustCompile(`(?m)^\s*(\d+) requests in `)
	wrkMedian   = regexp.MustCompile(`(?m)^\s*50%\s+(\S+)$`)
	wrkWrong    = regexp.MustCompile(`(?m)^\s*(Non-2xx.*|Socket errors.*)$`)
)

// readWrk reads what wrk prints. An answer that is none, or a connection that broke, spoils a turn.
func readWrk(out string) (t tally, err error) {
	if wrong := wrkWrong.FindString(out); wrong != "" {
		return t, errors.New(strings.TrimSpace(wrong))
	}
	answered, median := wrkAnswered.FindStringSubmatch(out), wrkMedian.FindStringSubmatch(out)
	if answered == nil || median == nil {
		return t, fmt.Errorf("wrk says nothing of use:\n%s", out)
	}
	if t.answered, err = strconv.Atoi(answered[1]); err != nil {
		return t, err
	}
	t.p50, err = time.ParseDuration(median[1])
	return t, err
}

// h2c asks with h2load, over connections that are shared by up to eight requests.
func h2c(ctx context.Context, c *contest, p *peer, l load) (tally, error) {
	shared := min(l.at, 8)
	log := filepath.Join(c.folder, "h2load")
	defer func() { _ = os.Remove(log) }()
	out, err := run(ctx, c.root, l.title+": "+p.name, "h2load", "-t1", fmt.Sprintf("-c%d", l.at/shared), fmt.Sprintf("-m%d", shared),
		fmt.Sprintf("-D%d", c.seconds), "--log-file="+log, "-H", ":authority: "+l.host, "http://"+p.h2c+"/")
	if err != nil {
		return tally{}, err
	}
	text, err := os.ReadFile(log)
	if err != nil {
		return tally{}, err
	}
	return readH2load(out, string(text))
}

var h2loadDone = regexp.MustCompile(`(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored`)

// readH2load reads what h2load prints, and its log, which has the microseconds of each request in the third column.
func readH2load(out, log string) (t tally, err error) {
	done := h2loadDone.FindStringSubmatch(out)
	if done == nil || done[1] != done[2] || done[1] == "0" {
		return t, fmt.Errorf("h2load did not succeed:\n%s", out)
	}
	if t.answered, err = strconv.Atoi(done[2]); err != nil {
		return t, err
	}
	var took []time.Duration
	for line := range strings.Lines(log) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[1] != "200" {
			return t, fmt.Errorf("h2load logs %q", line)
		}
		us, err := strconv.Atoi(fields[2])
		if err != nil {
			return t, err
		}
		took = append(took, time.Duration(us)*time.Microsecond)
	}
	if len(took) == 0 {
		return t, errors.New("h2load logs nothing")
	}
	slices.Sort(took)
	t.p50 = quantile(took, 0.5)
	return t, nil
}
