package main

import (
	"context"
	"fmt"
)

// record makes the DNS record, and looks whether all name servers know it. If not, it does not wait: it ends, and a later process looks again.
func record(ctx context.Context, j job) (string, error) {
	w, err := ordered(j.input)
	if err != nil {
		return "", err
	}
	path := "/records/" + w.Token
	if _, err := j.cloud.put(ctx, path, map[string]string{"server": j.server}); err != nil {
		return "", err
	}
	r, err := j.cloud.get(ctx, path)
	switch {
	case err != nil:
		return "", err
	case r.State != "known":
		return "", fmt.Errorf("%w: %s is %s", errNotYet, r.ID, r.State)
	}
	return r.ID + ", known to all", nil
}
