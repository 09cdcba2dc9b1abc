package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// again is how long after a watch was cut off the next begins.
const again = 200 * time.Millisecond

// ErrGone is the end of a watch whose session is gone.
var ErrGone = errors.New("the session is gone")

// Watch tells a session as it is, and then each change, until ctx ends, tell fails, or the session is gone: ErrGone. A watch that is cut
// off is begun again; where that fails, Watch does.
func (c *Client) Watch(ctx context.Context, ref Ref, tell func(Session) error) error {
	latest := ""
	once := func(s Session) error {
		if s.Version == latest {
			return nil // the one told last, by the watch before
		}
		latest = s.Version
		return tell(s)
	}
	for {
		if err := c.follow(ctx, ref, once); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(again):
		}
	}
}

// follow is one watch. That it was cut off is no error.
func (c *Client) follow(ctx context.Context, ref Ref, tell func(Session) error) error {
	res, err := c.send(ctx, http.MethodGet, ref.path()+"/watch", "", nil)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	const most = 1 << 20 // an object of the API server, at the most
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, most)
	event := ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case field == "event":
			event = value
		case field == "data" && event == "gone":
			return ErrGone
		case field == "data":
			var s Session
			if err := json.Unmarshal([]byte(value), &s); err != nil {
				return fmt.Errorf("read an event: %w", err)
			}
			if err := tell(s); err != nil {
				return err
			}
		}
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return nil
}
