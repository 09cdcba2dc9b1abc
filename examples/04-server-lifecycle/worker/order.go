package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// wanted is what was ordered.
type wanted struct {
	Size     string `json:"size"`     // small or large
	Packages int    `json:"packages"` // how many it is configured with
	// Token names the machine and the record to the cloud. It is that of one order: a server that is destroyed and ordered again has another one.
	Token string `json:"token,omitempty"`
}

const mostPackages = 512

// order looks whether an order can be filled, and hands it on in its last words. All steps find them in their input.
func order(_ context.Context, j job) (string, error) {
	var w wanted
	if err := json.Unmarshal(j.input, &w); err != nil {
		return "", fmt.Errorf("%w: %w", errOrder, err)
	}
	switch {
	case w.Size != "small" && w.Size != "large":
		return "", fmt.Errorf("%w: a machine is small or large, and not %q", errOrder, w.Size)
	case w.Packages < 0 || w.Packages > mostPackages:
		return "", fmt.Errorf("%w: %d packages are not 0 to %d", errOrder, w.Packages, mostPackages)
	}
	w.Token = os.Getenv("SESSION_POD_UID")
	words, err := json.Marshal(w)
	return string(words), err
}

// errNoOrder is of a server that was never ordered with success.
var errNoOrder = errors.New("nothing was ordered")

// ordered is what was ordered, by the input of a step: it follows the order, or a step that has it in its own input.
func ordered(input []byte) (w wanted, err error) {
	var follows struct {
		StartedBy string `json:"startedBy"` // the name of a Session
		LastExit  struct {
			Code    *int32 `json:"code"`
			Message string `json:"message"`
		} `json:"lastExit"`
		Input string `json:"input"`
	}
	if err := json.Unmarshal(input, &follows); err != nil {
		return w, fmt.Errorf("read the input: %w", err)
	}
	if !strings.HasPrefix(follows.StartedBy, "server.") {
		return ordered([]byte(follows.Input))
	}
	if follows.LastExit.Code == nil || *follows.LastExit.Code != 0 {
		return w, errNoOrder
	}
	if err := json.Unmarshal([]byte(follows.LastExit.Message), &w); err != nil {
		return w, fmt.Errorf("read the order: %w", err)
	}
	if w.Token == "" {
		return w, fmt.Errorf("the order has no token: %q", follows.LastExit.Message)
	}
	return w, nil
}
