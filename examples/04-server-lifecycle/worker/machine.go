package main

import (
	"context"
	"errors"
	"fmt"
)

// machine makes the machine of a server.
func machine(ctx context.Context, j job) (string, error) {
	w, err := ordered(j.input)
	if err != nil {
		return "", err
	}
	return j.machine(ctx, w.Token, w.Size)
}

// smallMachine makes a small one, whatever was ordered.
func smallMachine(ctx context.Context, j job) (string, error) {
	w, err := ordered(j.input)
	if err != nil {
		return "", err
	}
	return j.machine(ctx, w.Token, "small")
}

// findMachine follows one who was not answered: it looks whether the machine was made after all, and makes it if not.
func findMachine(ctx context.Context, j job) (string, error) {
	w, err := ordered(j.input)
	if err != nil {
		return "", err
	}
	m, err := j.cloud.get(ctx, "/machines/"+w.Token)
	switch {
	case errors.Is(err, errNone):
		words, err := j.machine(ctx, w.Token, w.Size)
		return "it was not made, and is now: " + words, err
	case err != nil:
		return "", err
	}
	return "it was made after all: " + m.ID, nil
}

func (j job) machine(ctx context.Context, token, size string) (string, error) {
	m, err := j.cloud.put(ctx, "/machines/"+token, map[string]string{"server": j.server, "size": size})
	return fmt.Sprintf("%s, %s", m.ID, m.Size), err
}
