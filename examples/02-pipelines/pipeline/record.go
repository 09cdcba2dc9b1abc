package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const (
	putTimeout = 5 * time.Second        // of one try
	putAgain   = 250 * time.Millisecond // after one that failed
	putTries   = 20
)

// record is what one worker leaves behind. It is stored with each line of its log, so that a worker that is killed leaves what it had.
type record struct {
	url    string
	Log    []string `json:"log"`
	Result string   `json:"result,omitempty"`
}

// note adds a line to the log, and returns when the store has it.
func (r *record) note(ctx context.Context, line string) (err error) {
	r.Log = append(r.Log, line)
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	for range putTries {
		if err = r.put(ctx, body); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(putAgain):
		}
	}
	return fmt.Errorf("store the record: %w", err)
}

func (r *record) put(ctx context.Context, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, putTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, r.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the store answers %s", response.Status)
	}
	return nil
}
