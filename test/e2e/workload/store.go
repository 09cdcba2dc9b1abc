package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// store keeps the count of one key, for the writer with the highest fence.
type store struct{ url, fence string }

type record struct {
	Count int64 `json:"count"`
}

// load takes the record over: from then on the store refuses earlier pods of this key.
func (s store) load(ctx context.Context) (int64, error) {
	body, err := s.do(ctx, http.MethodPost, nil)
	if err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	var r record
	if err := json.Unmarshal(body, &r); err != nil {
		return 0, fmt.Errorf("load: %w", err)
	}
	return r.Count, nil
}

func (s store) save(ctx context.Context, count int64) error {
	body, err := json.Marshal(record{count})
	if err != nil {
		return fmt.Errorf("save: %w", err)
	}
	if _, err := s.do(ctx, http.MethodPut, body); err != nil {
		return fmt.Errorf("save: %w", err)
	}
	return nil
}

func (s store) do(ctx context.Context, method string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, s.url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Session-Fence", s.fence)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("the store answers %d: %s", response.StatusCode, content)
	}
	return content, err
}
