package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestParseStatCopesWithStrangeNames(t *testing.T) {
	stat := "42 (a ) b (c) S 1 42 42 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 98765 1000 2000"
	state, start, ok := parseStat(stat)
	if !ok || state != "S" || start != "98765" {
		t.Errorf("got state %q, start %q, %v; want S, 98765", state, start, ok)
	}
	if _, _, ok := parseStat("42 (short) S"); ok {
		t.Error("half a line was read as a whole one")
	}
}

func TestARecycledProcessNumberIsAnotherProcess(t *testing.T) {
	self, ok := observeProcess(os.Getpid())
	if !ok || !self.alive() {
		t.Fatalf("this test runs, and is seen as %+v, %v", self, ok)
	}
	for what, other := range map[string]process{
		"an earlier start": {PID: self.PID, Start: "1", Boot: self.Boot},
		"an earlier boot":  {PID: self.PID, Start: self.Start, Boot: "x"},
		"no record":        {},
		"init":             {PID: 1, Start: self.Start, Boot: self.Boot},
	} {
		if other.alive() {
			t.Errorf("%s counts as alive", what)
		}
		if err := other.end(context.Background()); err != nil {
			t.Errorf("end of %s: %v", what, err)
		}
	}
}

// headless tells this program to end its first thread only, once it listens.
const headless = "CLUSTER_TEST_HEADLESS"

func init() {
	if os.Getenv(headless) == "" {
		return
	}
	runtime.LockOSThread()
	go func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		fmt.Println(l.Addr())
		select {}
	}()
	_, _, _ = syscall.Syscall(syscall.SYS_EXIT, 0, 0, 0)
}

// A process whose first thread has ended looks like a zombie, and has its port until the last one has ended.
func TestAProcessIsGoneWithItsLastThread(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), headless+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	stat := fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)
	for state := ""; state != "Z"; state, _, _ = parseStat(string(must(os.ReadFile(stat)))) {
	}
	p, ok := observeProcess(cmd.Process.Pid)
	if !ok {
		t.Fatal("a process without its first thread counts as gone")
	}
	if err := p.end(t.Context()); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", strings.TrimSpace(address))
	if err != nil {
		t.Fatalf("it is gone, and its port is not free: %v", err)
	}
	_ = l.Close()
	_ = cmd.Wait()
}

func must(content []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return content
}

func TestIsShimKnowsOnlyOurOwn(t *testing.T) {
	const socket = "/state/run/containerd.sock"
	for line, want := range map[string]bool{
		"/cache/bin/containerd-shim-runc-v2 -namespace k8s.io -id x -address " + socket: true,
		"/usr/bin/containerd-shim-runc-v2 -address /run/containerd/containerd.sock":     false,
		"cat -address " + socket:                 false,
		"containerd-shim-runc-v2 -address":       false,
		"":                                       false,
		"tail containerd-shim-runc-v2 " + socket: false,
	} {
		if got := isShim(strings.ReplaceAll(line, " ", "\x00")+"\x00", socket); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}

func TestMountsBelow(t *testing.T) {
	mountinfo := `29 1 254:0 / / rw - ext4 /dev/vda rw
30 29 0:5 / /state rw - tmpfs tmpfs rw
31 29 0:5 / /state/kubelet/a\040b rw - tmpfs tmpfs rw
32 29 0:5 / /state2/x rw - tmpfs tmpfs rw
33 29 0:5 / /state/run rw - tmpfs tmpfs rw
`
	want := []string{"/state/kubelet/a b", "/state/run"}
	if got := mountsBelow(mountinfo, "/state"); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPollEndsAtOnceWhenThereIsNoHope(t *testing.T) {
	asked := 0
	err := poll(context.Background(), time.Hour, func(context.Context) error {
		asked++
		return hopelessError{errors.New("it has ended")}
	})
	if asked != 1 || err == nil || err.Error() != "it has ended" {
		t.Errorf("asked %d times, then %v", asked, err)
	}
}

func TestLockIsHeldOnceAndNotOnAFolderThatIsGone(t *testing.T) {
	dir := t.TempDir() + "/cluster"
	unlock, err := lock(context.Background(), dir, "waiting")
	if err != nil {
		t.Fatal(err)
	}
	if second, err := tryLock(dir); second != nil || err != nil {
		t.Fatalf("the lock was given twice: %v, %v", second, err)
	}
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	again, err := lock(context.Background(), dir, "waiting") // the folder is a new one, and free
	if err != nil {
		t.Fatal(err)
	}
	again()
	unlock()
}

func TestLogTailIsShort(t *testing.T) {
	file := t.TempDir() + "/x.log"
	if err := os.WriteFile(file, []byte(strings.Repeat("line\n", 10_000)+"the last\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	tail := logTail(file)
	if lines := strings.Count(tail, "\n"); lines != 15 || !strings.HasSuffix(tail, "the last") {
		t.Errorf("%d lines that end in %q", lines, tail[len(tail)-10:])
	}
}
