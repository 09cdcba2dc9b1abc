package main

import (
	"context"
	"errors"
	"fmt"
)

// destroyMachine destroys the machine of a server, or sees to it that none is made any more.
func destroyMachine(ctx context.Context, j job) (string, error) { return j.destroy(ctx, "/machines/") }

// destroyRecord does the same to its record.
func destroyRecord(ctx context.Context, j job) (string, error) { return j.destroy(ctx, "/records/") }

func (j job) destroy(ctx context.Context, kind string) (string, error) {
	w, err := ordered(j.input)
	if errors.Is(err, errNoOrder) {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	return "gone", j.cloud.remove(ctx, kind+w.Token)
}

// check looks whether anything is left of a server.
func check(ctx context.Context, j job) (string, error) {
	w, err := ordered(j.input)
	if errors.Is(err, errNoOrder) {
		return err.Error(), nil
	}
	if err != nil {
		return "", err
	}
	for _, kind := range []string{"/machines/", "/records/"} {
		t, err := j.cloud.get(ctx, kind+w.Token)
		switch {
		case err == nil:
			return "", fmt.Errorf("%w: %s is %s", errLeft, t.ID, t.State)
		case !errors.Is(err, errNone):
			return "", err
		}
	}
	return "nothing is left of " + j.server, nil
}
