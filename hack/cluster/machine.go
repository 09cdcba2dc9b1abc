package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// machine is what the machine was like before the cluster, as far as the cluster changes it outside its folder.
type machine struct {
	Boot    string            `json:"boot"`    // a cluster of an earlier boot is rubbish
	Sysctls map[string]string `json:"sysctls"` // a path below /proc/sys -> its value
	Absent  []string          `json:"absent"`  // folders of outsidePaths that did not exist
}

// changedSysctls are settings that the kubelet and the bridge plugin change and have no option to leave alone.
var changedSysctls = []string{
	"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops",
	"kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes",
	"net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding", "net/ipv4/conf/default/forwarding",
	"net/bridge/bridge-nf-call-iptables",
}

// outsidePaths are folders that programs of the cluster write to, whatever they are told.
var outsidePaths = []string{
	"/var/lib/kubelet",    // the kubelet's device plugins
	"/var/log/containers", // the kubelet's links to logs
	"/run/containerd",     // the sockets of containerd's shims
	"/var/lib/cni",        // results of CNI plugins
	"/run/mount",          // locks of mount(8)
}

// remember writes down what the machine is like, before the first change.
func (l layout) remember() error {
	if _, ok := l.before(); ok {
		return nil
	}
	m := machine{Boot: bootID(), Sysctls: map[string]string{}}
	for _, s := range changedSysctls {
		if content, err := os.ReadFile("/proc/sys/" + s); err == nil {
			m.Sysctls[s] = strings.TrimSpace(string(content))
		}
	}
	for _, p := range outsidePaths {
		if _, err := os.Lstat(p); os.IsNotExist(err) {
			m.Absent = append(m.Absent, p)
		}
	}
	content, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("encode what the machine is like: %w", err)
	}
	return writeFile(l.Path("before.json"), content, 0o644)
}

// before returns what remember wrote.
func (l layout) before() (machine, bool) {
	var m machine
	content, err := os.ReadFile(l.Path("before.json"))
	return m, err == nil && json.Unmarshal(content, &m) == nil
}

// restore undoes the changes outside the folder of the cluster.
func (l layout) restore() error {
	m, ok := l.before()
	if !ok {
		return nil
	}
	var errs []error
	for s, value := range m.Sysctls {
		content, err := os.ReadFile("/proc/sys/" + s)
		if err == nil && strings.TrimSpace(string(content)) != value {
			errs = append(errs, os.WriteFile("/proc/sys/"+s, []byte(value), 0))
		}
	}
	for _, p := range m.Absent {
		errs = append(errs, os.RemoveAll(p))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("put the machine back as it was: %w", err)
	}
	return nil
}

// bootID changes with every boot of the machine.
func bootID() string {
	content, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // a kernel without it has one boot for ever
	return strings.TrimSpace(string(content))
}

// allowBridgedTraffic lets answers of one pod to another pass the address translation of Services.
func allowBridgedTraffic() error {
	const file = "/proc/sys/net/bridge/bridge-nf-call-iptables"
	if err := os.WriteFile(file, []byte("1"), 0); err != nil {
		return fmt.Errorf("let Services work between pods: %w (the kernel needs br_netfilter: modprobe br_netfilter)", err)
	}
	return nil
}

// cgroupFolders returns our cgroup in every hierarchy of the machine: several with cgroup v1, one with v2.
func cgroupFolders() ([]string, error) {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return nil, fmt.Errorf("find the cgroups: %w", err)
	}
	var folders []string
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) > 2 && (fields[2] == "cgroup" || fields[2] == "cgroup2") {
			folders = append(folders, filepath.Join(fields[1], cgroupName))
		}
	}
	return folders, nil
}

// cgroupsUp makes the cgroup that holds all pods. With cgroup v1 a new cpuset is empty and must be filled from its parent.
func cgroupsUp() error {
	folders, err := cgroupFolders()
	if err != nil {
		return err
	}
	for _, f := range folders {
		if err := os.MkdirAll(f, 0o755); err != nil {
			return fmt.Errorf("create the cgroup of the pods: %w", err)
		}
		for _, file := range []string{"cpuset.cpus", "cpuset.mems"} {
			if err := inheritCPUs(f, file); err != nil {
				return err
			}
		}
		if err := weigh(f, runtime.NumCPU()); err != nil {
			return err
		}
	}
	return nil
}

// weigh gives the cgroup of all pods the weight that a kubelet gives to it on a node of its own, where it is a top-level one: 1024 for each
// processor. With what a new cgroup has, all pods together would weigh as much as one thread of the API server.
func weigh(folder string, processors int) error {
	const each = 1024
	file := filepath.Join(folder, "cpu.shares")
	if _, err := os.Stat(file); err != nil {
		return nil // another controller; cgroup v2 weighs groups against groups, and needs none
	}
	if err := os.WriteFile(file, []byte(strconv.Itoa(each*processors)), 0); err != nil {
		return fmt.Errorf("give the cgroup of the pods its weight: %w", err)
	}
	return nil
}

func inheritCPUs(folder, file string) error {
	own, err := os.ReadFile(filepath.Join(folder, file))
	if err != nil || strings.TrimSpace(string(own)) != "" {
		return nil // another controller, or filled already
	}
	parent, err := os.ReadFile(filepath.Join(filepath.Dir(folder), file))
	if err != nil || strings.TrimSpace(string(parent)) == "" {
		return nil // the root of cgroup v2 has none, and needs none
	}
	if err := os.WriteFile(filepath.Join(folder, file), parent, 0); err != nil {
		return fmt.Errorf("give the cgroup of the pods its CPUs: %w", err)
	}
	return nil
}
