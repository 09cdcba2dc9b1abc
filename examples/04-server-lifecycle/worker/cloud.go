package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
)

// cloud is the way to the cloud.
type cloud struct {
	url  string
	http *http.Client
}

// thing is what the cloud says of a machine or a record.
type thing struct {
	ID    string `json:"id"`
	Size  string `json:"size"`
	State string `json:"state"`
}

// errNone is that the cloud has none.
var errNone = errors.New("there is none")

// put makes or changes what a path names. The cloud takes it once, however often it is asked.
func (c cloud) put(ctx context.Context, path string, what any) (t thing, err error) {
	body, err := json.Marshal(what)
	if err != nil {
		return t, err
	}
	return c.call(ctx, http.MethodPut, path, body)
}

func (c cloud) get(ctx context.Context, path string) (thing, error) {
	return c.call(ctx, http.MethodGet, path, nil)
}

func (c cloud) remove(ctx context.Context, path string) error {
	_, err := c.call(ctx, http.MethodDelete, path, nil)
	return err
}

func (c cloud) call(ctx context.Context, method, path string, body []byte) (t thing, err error) {
	request, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return t, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		var slow net.Error
		if errors.As(err, &slow) && slow.Timeout() {
			return t, fmt.Errorf("%w: %w", errTimeout, err)
		}
		return t, err
	}
	defer func() { _ = response.Body.Close() }()
	return read(response)
}

// read is the thing in an answer, or what the answer says instead.
func read(response *http.Response) (t thing, err error) {
	switch response.StatusCode {
	case http.StatusOK, http.StatusCreated:
		return t, json.NewDecoder(response.Body).Decode(&t)
	case http.StatusNoContent:
		return t, nil
	case http.StatusForbidden:
		return t, errQuota
	case http.StatusNotFound:
		return t, errNone
	case http.StatusGone:
		return t, errOver
	case http.StatusGatewayTimeout:
		return t, errTimeout
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 256))
	return t, fmt.Errorf("the cloud answers %s: %s", response.Status, strings.TrimSpace(string(text)))
}
