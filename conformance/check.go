package conformance

import (
	"errors"
	"fmt"
	"strings"
)

// refused wants a status, and the reason with which the gateway refuses; empty: whatever reason, also none.
func refused(status int, reason string) func(Answer) error {
	return func(a Answer) error {
		switch {
		case a.Seen != nil:
			return errors.New("the workload got it")
		case a.Status != status:
			return fmt.Errorf("status %d, want %d", a.Status, status)
		case reason != "" && a.reason() != reason:
			return fmt.Errorf("status %d with the reason %q, want %q", a.Status, a.reason(), reason)
		}
		return nil
	}
}

// ours wants the gateway's own answer, or the workload's: not that of something else on the gateway's port.
func ours(a Answer) error {
	if a.Seen == nil && a.reason() == "" {
		return fmt.Errorf("status %d, of neither the workload nor with a reason", a.Status)
	}
	return nil
}

// own wants an answer of the gateway itself.
func own(a Answer) error {
	if a.reason() == "" {
		return fmt.Errorf("status %d without a reason", a.Status)
	}
	return nil
}

// ended wants the connection closed, or a request that took too long refused.
func ended(a Answer) error {
	if a.Status != 0 && a.Status != 408 {
		return fmt.Errorf("status %d, want 408 or none", a.Status)
	}
	return nil
}

// seen wants the workload to get the request, and its answer to come back.
func seen(check func(Seen) error) func(Answer) error {
	return func(a Answer) error {
		if a.Seen == nil {
			return fmt.Errorf("status %d %q, and the workload did not answer", a.Status, a.reason())
		}
		return check(*a.Seen)
	}
}

// without wants none of these headers at the workload.
func without(names ...string) func(Answer) error {
	return seen(func(s Seen) error {
		for name, values := range s.Header {
			for _, unwanted := range names {
				if strings.EqualFold(name, unwanted) {
					return fmt.Errorf("the workload saw %s: %q", name, values)
				}
			}
		}
		return nil
	})
}

// nowhere wants no header with this text in it at the workload.
func nowhere(text string) func(Answer) error {
	return seen(func(s Seen) error {
		for name, values := range s.Header {
			if strings.Contains(strings.Join(values, "\n"), text) {
				return fmt.Errorf("the workload saw %s: %q", name, values)
			}
		}
		return nil
	})
}

// with wants these headers at the workload.
func with(names ...string) func(Answer) error {
	return seen(func(s Seen) error {
		for _, name := range names {
			if s.Header.Get(name) == "" {
				return fmt.Errorf("the workload saw no %s", name)
			}
		}
		return nil
	})
}

// target wants this request target at the workload.
func target(uri string) func(Answer) error {
	return seen(func(s Seen) error {
		if s.URI != uri {
			return fmt.Errorf("the workload saw %q, want %q", s.URI, uri)
		}
		return nil
	})
}

// not wants no such header in the answer of the workload.
func not(name string) func(Answer) error {
	return func(a Answer) error {
		if a.Seen == nil {
			return fmt.Errorf("status %d %q, and the workload did not answer", a.Status, a.reason())
		}
		if values := a.Header.Values(name); len(values) > 0 {
			return fmt.Errorf("the client got %s: %q", name, values)
		}
		return nil
	}
}
