package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// tearDown removes everything that the cluster is, in an order in which nothing comes back: first who starts things.
func (l layout) tearDown(ctx context.Context) error {
	for _, step := range []struct {
		what string
		do   func(context.Context) error
	}{
		{"stop the control of pods", func(ctx context.Context) error {
			return l.endComponents(ctx, "kubelet", "kube-scheduler", "kube-controller-manager")
		}},
		{"stop the containers", endPods},
		{"stop the rest", func(ctx context.Context) error { return l.endComponents(ctx, componentNames()...) }},
		{"stop the containers' shims", l.endShims},
		{"stop the containers that were starting", endPods},
		{"unmount", func(ctx context.Context) error { return poll(ctx, 10*time.Second, l.unmountAll) }},
		{"remove the cgroups", func(ctx context.Context) error { return poll(ctx, 10*time.Second, removeCgroups) }},
		{"remove the network", l.networkDown},
		{"restore the machine", func(context.Context) error { return l.restore() }},
		{"remove the folder", func(context.Context) error { return os.RemoveAll(l.dir) }},
	} {
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w (run down again; it goes on where it stopped)", step.what, err)
		}
	}
	return nil
}

func (l layout) endComponents(ctx context.Context, names ...string) error {
	for _, name := range names {
		if err := l.recorded(name).end(ctx); err != nil {
			return fmt.Errorf("stop %s: %w", name, err)
		}
	}
	return nil
}

// endPods kills every process in our cgroup, until there is none: a process may start another meanwhile.
func endPods(ctx context.Context) error {
	folders, err := cgroupFolders()
	if err != nil {
		return err
	}
	return poll(ctx, 20*time.Second, func(context.Context) error {
		left := 0
		for _, f := range folders {
			for _, pid := range processesIn(f) {
				left++
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
					return fmt.Errorf("kill process %d of a pod: %w", pid, err)
				}
			}
		}
		if left > 0 {
			return fmt.Errorf("%d processes of pods are left", left)
		}
		return nil
	})
}

// processesIn returns the processes in a cgroup and those below it.
func processesIn(cgroup string) []int {
	var pids []int
	_ = filepath.WalkDir(cgroup, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return nil // it is being removed
		}
		content, _ := os.ReadFile(filepath.Join(path, "cgroup.procs"))
		for _, field := range strings.Fields(string(content)) {
			if pid, err := strconv.Atoi(field); err == nil && pid > 1 {
				pids = append(pids, pid)
			}
		}
		return nil
	})
	return pids
}

// endShims kills containerd's shims and removes their sockets, which lie outside our folder.
func (l layout) endShims(ctx context.Context) error {
	for _, shim := range l.shims() {
		if err := shim.end(ctx); err != nil {
			return err
		}
	}
	files, _ := filepath.Glob(l.Path("run/containerd/io.containerd.runtime.v2.task/*/*/bootstrap.json"))
	for _, file := range files {
		var boot struct {
			Address string `json:"address"`
		}
		content, err := os.ReadFile(file)
		if err != nil || json.Unmarshal(content, &boot) != nil {
			continue
		}
		if socket, ok := strings.CutPrefix(boot.Address, "unix://"); ok && strings.HasPrefix(socket, "/run/containerd/s/") {
			_ = os.Remove(socket) // it may be gone, and a socket without a listener does no harm
		}
	}
	return nil
}

// detach is Linux's MNT_DETACH, by number, so that this program compiles on a Mac too, where it serves kind.
const detach = 2

// unmountAll unmounts what is mounted below our folder, the newest first.
func (l layout) unmountAll(context.Context) error {
	content, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return fmt.Errorf("list the mounts: %w", err)
	}
	for _, target := range slices.Backward(mountsBelow(string(content), l.dir)) {
		if err := syscall.Unmount(target, detach); err != nil && !errors.Is(err, syscall.EINVAL) {
			return fmt.Errorf("unmount %s: %w", target, err)
		}
	}
	return nil
}

// mountsBelow returns the mount points below dir, oldest first. Field 5 of mountinfo is the mount point, with octal escapes.
func mountsBelow(mountinfo, dir string) []string {
	var targets []string
	unescape := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`)
	for line := range strings.Lines(mountinfo) {
		fields := strings.Fields(line)
		if len(fields) < 5 {
			continue
		}
		if target := unescape.Replace(fields[4]); strings.HasPrefix(target, dir+"/") {
			targets = append(targets, target)
		}
	}
	return targets
}

// removeCgroups removes our cgroups, the innermost first. The kernel may need a moment after the last process.
func removeCgroups(context.Context) error {
	roots, err := cgroupFolders()
	if err != nil {
		return err
	}
	var dirs []string
	for _, root := range roots {
		_ = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				dirs = append(dirs, path)
			}
			return nil
		})
	}
	for _, dir := range slices.Backward(dirs) {
		if err := syscall.Rmdir(dir); err != nil && !errors.Is(err, syscall.ENOENT) {
			return fmt.Errorf("remove the cgroup %s: %w", dir, err)
		}
	}
	return nil
}
