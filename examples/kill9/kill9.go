// Package kill9 lets a story kill a process of an example with kill -9, on any cluster and without a way onto its nodes.
package kill9

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Argument is what a program is called with to kill the others of its pod that run the same program:
//
//	kubectl exec -n greeter greeter.zoe -- /greeter kill-9
//
// The pod must say shareProcessNamespace: true, for the first process of a namespace hears no signal that comes from within it.
const Argument = "kill-9"

// IfAsked does that, and ends this process too, if its arguments say so.
func IfAsked(args []string) {
	if len(args) != 2 || args[1] != Argument {
		return
	}
	if err := others(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// others kills every process that runs the file that this one runs.
func others() error {
	mine, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return err
	}
	killed := 0
	for _, link := range all {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if exe, err := os.Readlink(link); err != nil || exe != mine || pid == os.Getpid() {
			continue // another program, or one that is not ours to look at
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			return fmt.Errorf("kill -9 %d: %w", pid, err)
		}
		fmt.Println("kill -9", pid)
		killed++
	}
	if killed == 0 {
		return fmt.Errorf("no other process of this pod runs %s", mine)
	}
	return nil
}
