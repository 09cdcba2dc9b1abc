package main

import (
	"context"
	"fmt"
	"os"
	"syscall"
	"time"
)

// lock makes sure that one command at a time changes what is in a folder. The kernel lets go of it when the command dies.
// Who has to wait says so.
//
// The folder itself is the lock file, so that nothing is left when the folder is removed. Who waited for a folder
// that is gone by now starts over with the new one.
func lock(ctx context.Context, dir, waiting string) (unlock func(), err error) {
	for said := false; ; said = true {
		held, err := tryLock(dir)
		if err != nil {
			return nil, err
		}
		if held != nil {
			return func() { _ = held.Close() }, nil
		}
		if !said {
			fmt.Fprintln(os.Stderr, waiting)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tryLock returns nil without an error if somebody else holds the lock.
func tryLock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("create %s: %w", dir, err)
	}
	file, err := os.Open(dir)
	if os.IsNotExist(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", dir, err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	mine, errMine := file.Stat()
	there, errThere := os.Stat(dir)
	if err != nil || errMine != nil || errThere != nil || !os.SameFile(mine, there) {
		return nil, file.Close()
	}
	return file, nil
}
