package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a recorded process. A number alone is not enough: the kernel gives it to another process later.
type process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // when it started, in clock ticks since boot
	Boot  string `json:"boot"`  // the boot that the ticks count from
}

// observeProcess returns the process that has this number now. A zombie counts as gone, but not while it has other threads: its
// first one is a zombie, and its sockets are open, until the last one has ended or has made another program of it.
func observeProcess(pid int) (process, bool) {
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	if err != nil {
		return process{}, false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, false
	}
	state, start, ok := parseStat(string(stat))
	if !ok || (state == "Z" || state == "X") && len(threads) < 2 {
		return process{}, false
	}
	return process{PID: pid, Start: start, Boot: bootID()}, true
}

// parseStat reads the state (field 3) and the start time (field 22) of /proc/PID/stat. Field 2, the name, may hold spaces.
func parseStat(stat string) (state, start string, ok bool) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 20 {
		return "", "", false
	}
	return fields[0], fields[19], true
}

// alive tells whether this very process still runs.
func (p process) alive() bool {
	if p.PID <= 1 {
		return false
	}
	now, ok := observeProcess(p.PID)
	return ok && now == p
}

// end kills the process and returns when it is gone.
func (p process) end(ctx context.Context) error {
	if !p.alive() {
		return nil
	}
	if err := syscall.Kill(p.PID, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill process %d: %w", p.PID, err)
	}
	return poll(ctx, 10*time.Second, func(context.Context) error {
		if p.alive() {
			return fmt.Errorf("process %d is still there after kill -9", p.PID)
		}
		return nil
	})
}

func (l layout) recordFile(component string) string { return l.Path("run/" + component + ".json") }

// recorded returns the process that was started last as this component; the zero process, which is not alive, if none was.
func (l layout) recorded(component string) process {
	var p process
	content, err := os.ReadFile(l.recordFile(component))
	if err != nil || json.Unmarshal(content, &p) != nil {
		return process{}
	}
	return p
}

// spawn starts this program again as "exec COMPONENT", detached, with its output in the component's log.
//
// The new process records itself and only then becomes the component. So there is no moment at which a component
// runs without a record, whatever is killed when.
func (l layout) spawn(component string) error {
	log, err := os.OpenFile(l.logFile(component), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", component, err)
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command("/proc/self/exe", "exec", component)
	cmd.Dir = l.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.Env = []string{
		"PATH=" + l.bin + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=" + l.dir,
		clusterDirVariable + "=" + l.dir, binVariable + "=" + l.bin,
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", component, err)
	}
	go func() { _ = cmd.Wait() }() // if it dies while we live, it must not stay as a zombie
	return poll(context.Background(), 10*time.Second, func(context.Context) error {
		if l.recorded(component).PID == cmd.Process.Pid {
			return nil
		}
		return fmt.Errorf("%s did not start\n%s", component, logTail(l.logFile(component)))
	})
}

// binVariable tells the process that becomes a component where the binaries are: it does not run in the repository.
const binVariable = "DORMOUSE_CLUSTER_BIN"

// runExec is the other half of spawn.
func runExec(_ context.Context, args []string) error {
	l := layout{dir: os.Getenv(clusterDirVariable), bin: os.Getenv(binVariable)}
	if l.dir == "" || l.bin == "" {
		return errors.New("exec is what up and start use inside; use start COMPONENT")
	}
	c, err := findComponent(args[0])
	if err != nil {
		return err
	}
	self, _ := observeProcess(os.Getpid())
	record, err := json.Marshal(self)
	if err != nil {
		return fmt.Errorf("encode the record: %w", err)
	}
	if err := writeFile(l.recordFile(c.name), record, 0o644); err != nil {
		return err
	}
	binary := l.Binary(c.name)
	if err := syscall.Exec(binary, append([]string{binary}, c.args(l)...), os.Environ()); err != nil {
		return fmt.Errorf("become %s: %w", binary, err)
	}
	return nil
}

// logTail returns the last lines of a log, with its path.
func logTail(path string) string {
	const lines, most = 15, 16 << 10
	content, err := os.ReadFile(path)
	if err != nil {
		return "(no log at " + path + ")"
	}
	if len(content) > most {
		content = content[len(content)-most:]
	}
	all := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	all = all[max(0, len(all)-lines):]
	return "the end of " + path + ":\n  " + string(bytes.Join(all, []byte("\n  ")))
}

// shims returns the processes that containerd started to hold our containers. They are known by the socket of our containerd.
func (l layout) shims() []process {
	var found []process
	entries, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, e := range entries {
		content, err := os.ReadFile(e)
		if err != nil || !isShim(string(content), l.ContainerdSocket()) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(e)))
		if p, ok := observeProcess(pid); ok {
			found = append(found, p)
		}
	}
	return found
}

// isShim reads a command line as the kernel gives it, with a zero byte after each word.
func isShim(cmdline, socket string) bool {
	words := strings.Split(strings.TrimRight(cmdline, "\x00"), "\x00")
	if filepath.Base(words[0]) != "containerd-shim-runc-v2" {
		return false
	}
	for i := 1; i < len(words)-1; i++ {
		if words[i] == "-address" && words[i+1] == socket {
			return true
		}
	}
	return false
}
