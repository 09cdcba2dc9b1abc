//go:build linux

package swarm

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// program is a process of ours. Each time it ends it is started again, until the test ends.
type program struct {
	name string
	path string
	args []string
	env  []string
	log  string        // file of what it writes, over all its lives
	rest time.Duration // before it is started again after it ended by itself
	// ended is told of each end that the test did not bring about.
	ended func(error)

	mu     sync.Mutex
	cmd    *exec.Cmd
	gone   chan struct{} // closed when cmd has ended
	meant  bool          // the test ends it
	halted bool          // for good
	lives  int
}

// start starts it for the first time, and ends it with the test.
func (p *program) start(t *testing.T, dir string) {
	t.Helper()
	p.log = filepath.Join(dir, p.name+".log")
	if err := p.launch(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.halt)
}

// launch starts it. It dies with the test's process, whatever becomes of that.
func (p *program) launch() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.halted {
		return nil
	}
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer func() { _ = out.Close() }()
	cmd := exec.Command(p.path, p.args...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.name, err)
	}
	p.cmd, p.gone, p.meant = cmd, make(chan struct{}), false
	p.lives++
	go p.watch(cmd, p.gone)
	return nil
}

// watch waits for the end of one life, and begins the next if nobody meant it.
func (p *program) watch(cmd *exec.Cmd, gone chan struct{}) {
	err := cmd.Wait()
	p.mu.Lock()
	meant := p.meant || p.halted
	close(gone)
	p.mu.Unlock()
	if meant {
		return
	}
	p.ended(err)
	time.Sleep(p.rest)
	if err := p.launch(); err != nil {
		p.ended(err)
	}
}

// signal sends a signal that is meant to end it, and returns when it has ended. It is not started again before launch.
func (p *program) signal(s syscall.Signal) {
	p.mu.Lock()
	cmd, gone := p.cmd, p.gone
	p.meant = true
	if cmd != nil {
		select {
		case <-gone:
		default:
			_ = cmd.Process.Signal(s)
		}
	}
	p.mu.Unlock()
	if cmd != nil {
		<-gone
	}
}

// started is how many lives it has had.
func (p *program) started() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lives
}

// effort is for how long it has been on a processor in its present life.
func (p *program) effort() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // its name may have anything in it
	fields := strings.Fields(rest)
	user, _ := strconv.ParseInt(fields[11], 10, 64) // the kernel writes digits
	system, _ := strconv.ParseInt(fields[12], 10, 64)
	return time.Duration(user+system) * time.Second / 100 // its unit, whatever its clock
}

func (p *program) halt() {
	p.mu.Lock()
	p.halted = true
	p.mu.Unlock()
	p.signal(syscall.SIGKILL)
}

// freePort is a port of loopback outside the range from which the kernel gives ports to clients, so that nobody takes it while
// its owner is killed.
func freePort(t *testing.T) int {
	t.Helper()
	for range 1000 {
		port := 12000 + rand.IntN(20000)
		l, err := net.Listen("tcp", local(port))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func local(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
