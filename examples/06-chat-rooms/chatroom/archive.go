package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

// archive keeps one room while it sleeps, if it has a URL.
type archive struct {
	url, room string
	fence     string // grows with each process of the room: one that is late cannot write over what a later one has written
}

// load reads what was said, once the archive answers.
func (a *archive) load(ctx context.Context) ([]message, error) {
	for a.url != "" {
		said, err := a.get(ctx)
		if err == nil {
			return said, nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("load room %q: %w", a.room, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil, nil
}

func (a *archive) get(ctx context.Context) (said []message, err error) {
	response, err := a.call(ctx, http.MethodGet, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	switch response.StatusCode {
	case http.StatusNotFound: // a new room
		return nil, nil
	case http.StatusOK:
		return said, json.NewDecoder(response.Body).Decode(&said)
	}
	return nil, fmt.Errorf("the archive answers %s", response.Status)
}

func (a *archive) save(ctx context.Context, said []message) error {
	if a.url == "" {
		return nil
	}
	body, err := json.Marshal(said)
	if err != nil {
		return err
	}
	response, err := a.call(ctx, http.MethodPut, body)
	if err != nil {
		return fmt.Errorf("save room %q: %w", a.room, err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("save room %q: the archive answers %s", a.room, response.Status)
	}
	return nil
}

func (a *archive) call(ctx context.Context, method string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, a.url+"/"+url.PathEscape(a.room), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Fence", a.fence)
	return http.DefaultClient.Do(request)
}
