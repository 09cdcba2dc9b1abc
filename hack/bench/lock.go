package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// alone waits until no other bench is at work on the cluster whose audit log that is: two would take each other's namespace away, and
// count each other's load. The kernel lets go of the lock when the process dies. It is held on the log's folder, so that no file is left.
func alone(ctx context.Context, audit string) (release func(), err error) {
	folder, err := os.Open(filepath.Dir(audit))
	if err != nil {
		return nil, fmt.Errorf("open the folder of the audit log: %w", err)
	}
	for said := false; ; said = true {
		err := syscall.Flock(int(folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return func() { _ = folder.Close() }, nil
		case !errors.Is(err, syscall.EWOULDBLOCK):
			_ = folder.Close()
			return nil, fmt.Errorf("lock %s: %w", folder.Name(), err)
		case !said:
			fmt.Fprintln(os.Stderr, "another bench is at work on the cluster; waiting for it")
		}
		select {
		case <-ctx.Done():
			_ = folder.Close()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}
