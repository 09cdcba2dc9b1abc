// Command pipeline runs one pipeline, and ends. What it is to do is its input; its log and its result go to the store of results as they come.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/dormouse-dev/dormouse/examples/kill9"
)

const (
	// lastWordsFile is a file of every pod. What is in it is a part of how the container ended, as status.lastExit.message.
	lastWordsFile = "/dev/termination-log"
	// codeWrong is the exit code that the template takes for the pipeline's fault. Any other that is not 0 is the worker's.
	codeWrong = 2
)

func main() {
	kill9.IfAsked(os.Args)
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	words, err := work(ctx)
	stop()
	if err != nil {
		words = err.Error()
		log.Print(words)
	}
	if err := os.WriteFile(lastWordsFile, []byte(words), 0o600); err != nil {
		log.Printf("write the last words: %v", err)
	}
	switch {
	case errors.Is(err, errWrong):
		os.Exit(codeWrong)
	case err != nil:
		os.Exit(1)
	}
}

// work runs the pipeline of this session, and returns its result. A worker that dies and the next one have a record each.
func work(ctx context.Context) (string, error) {
	worker := os.Getenv("SESSION_EPOCH")
	r := &record{url: fmt.Sprintf("%s/%s/%s/%s", os.Getenv("RESULTS"), os.Getenv("SESSION_TENANT"), os.Getenv("SESSION_KEY"), worker)}
	p, err := read()
	if err == nil {
		r.Result, err = p.run(ctx, worker == "1", r.note)
	}
	if errors.Is(err, errWrong) {
		return "", errors.Join(err, r.note(ctx, err.Error()))
	}
	if err != nil {
		return "", err
	}
	return r.Result, r.note(ctx, "done")
}

// read reads what the session was given.
func read() (p pipeline, err error) {
	text, err := os.ReadFile(os.Getenv("SESSION_INPUT")) //nolint:gosec // the path is Dormouse's
	if err != nil {
		return p, fmt.Errorf("read the input: %w", err)
	}
	if err := json.Unmarshal(text, &p); err != nil {
		return p, fmt.Errorf("%w: %w", errWrong, err)
	}
	return p, nil
}
