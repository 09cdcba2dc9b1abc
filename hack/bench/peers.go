package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// peer is one of the servers that stand side by side.
type peer struct {
	name    string
	goes    bool // is a program of ours, in Go
	variant bool // of one that is there already: it takes part where that says something
	command func(c *contest, p *peer) ([]string, error)

	http1, h2c string // addresses for either protocol
	control    string // of a server of ours
	process    *exec.Cmd
	ended      chan string // how it ended
	calls      calls
}

func (c *contest) start(ctx context.Context) error {
	c.pod = peer{name: itself, command: config(podConf, "nginx", "-c")}
	c.peers = []*peer{
		{name: theirs, command: config(nginxConf, "nginx", "-c")},
		{name: "nginx, with an access log", variant: true, command: config(nginxConf, "nginx", "-c")},
		{name: "haproxy", command: config(haproxyConf, "haproxy", "-db", "-f")},
		{name: "ReverseProxy", goes: true, command: ours("plain")},
		{name: "dormouse", goes: true, command: ours("dormouse")},
		{name: "dormouse, with its access log", variant: true, goes: true, command: ours("dormouse", "-log")},
		{name: "dormouse, 10,000 keys", variant: true, goes: true, command: ours("dormouse", "-keys", "10000")},
		{name: "dormouse, 100,000 keys", variant: true, goes: true, command: ours("dormouse", "-keys", "100000")},
	}
	for _, p := range append([]*peer{&c.pod}, c.peers...) {
		if err := c.begin(ctx, p); err != nil {
			return fmt.Errorf("start %s: %w", p.name, err)
		}
	}
	return c.writeBodies()
}

// The ports that servers are given: below those that kernels give to clients, one of which might have it meanwhile.
const firstPort, lastPort = 20000, 32000

// free is an address that nobody listens on.
func (c *contest) free() (string, error) {
	for c.ports < lastPort-firstPort {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+c.ports)
		c.ports++
		if l, err := net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", errors.New("no port is free")
}

// file is the name as files have it.
func (p *peer) file() string { return strings.NewReplacer(" ", "-", ",", "").Replace(p.name) }

// Names of two that others are compared with.
const (
	itself = "the pod itself"
	theirs = "nginx"
)

// begin starts a server on its processor, and waits until it listens. What it writes goes into a file, as it would in earnest.
func (c *contest) begin(ctx context.Context, p *peer) error {
	for _, address := range []*string{&p.http1, &p.h2c, &p.control} {
		var err error
		if *address, err = c.free(); err != nil {
			return err
		}
	}
	words, err := p.command(c, p)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(c.folder, p.file()+".log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	cpu := serverCPU
	if p == &c.pod {
		cpu = loadCPU
	}
	p.process = exec.CommandContext(ctx, "taskset", append([]string{"-c", cpu}, words...)...)
	p.process.Cancel = func() error { return p.process.Process.Signal(os.Interrupt) }
	p.process.WaitDelay = 10 * time.Second
	p.process.Stdout, p.process.Stderr = log, log
	if err := p.process.Start(); err != nil {
		return err
	}
	p.ended = make(chan string, 1)
	go func() { p.ended <- fmt.Sprint("it ended: ", p.process.Wait()) }()
	return p.listens(log.Name())
}

// listens waits until the server takes connections.
func (p *peer) listens(log string) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range 1000 {
		if conn, err := net.Dial("tcp", p.http1); err == nil {
			return conn.Close()
		}
		select {
		case how := <-p.ended:
			p.ended <- how
			said, _ := os.ReadFile(log)
			return fmt.Errorf("%s: %s", how, said)
		case <-tick.C:
		}
	}
	return errors.New("it does not listen")
}

// await waits until all have ended.
func (c *contest) await() {
	for _, p := range append([]*peer{&c.pod}, c.peers...) {
		if p.ended != nil {
			<-p.ended
		}
	}
}

// config is a server that has a file of configuration.
func config(text, program string, args ...string) func(*contest, *peer) ([]string, error) {
	return func(c *contest, p *peer) ([]string, error) {
		folder := filepath.Join(c.folder, p.file())
		if err := os.Mkdir(folder, 0o755); err != nil {
			return nil, err
		}
		path, err := exec.LookPath(program)
		if err != nil {
			path = "/usr/sbin/" + program
		}
		log := "off"
		if p.variant {
			log = folder + "/access.log"
		}
		file := filepath.Join(folder, "conf")
		text := fmt.Sprintf(text, folder, p.http1, p.h2c, log, c.pod.http1, c.sockets)
		return append([]string{path}, append(args, file)...), os.WriteFile(file, []byte(text), 0o600)
	}
}

// ours is a server of hack/bench/server.
func ours(kind string, args ...string) func(*contest, *peer) ([]string, error) {
	return func(c *contest, p *peer) ([]string, error) {
		p.h2c = p.http1 // Go tells by the first bytes what a client speaks
		return append([]string{c.server(), kind, "-listen", p.http1, "-control", p.control, "-pod", c.pod.http1, "-sockets", c.sockets}, args...), nil
	}
}
