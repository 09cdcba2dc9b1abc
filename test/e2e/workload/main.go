// Command workload is what the promises are tested with: a session that counts, says who it is, and keeps its count in a
// store outside. It loads the count before it opens its port, so that an open port means a loaded session.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// lastWords is what a workload says that ends instead of serving.
const lastWords = "the table has no legs"

func main() {
	if code, err := strconv.Atoi(os.Getenv("FAIL")); err == nil {
		fmt.Println("about to fail")
		fmt.Println(lastWords)
		os.Exit(code)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	code, err := run(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "workload:", err)
		code = 1
	}
	os.Exit(code)
}

// run serves until it is told to stop, by a signal or by POST /exit, and returns the exit code.
func run(ctx context.Context) (int, error) {
	s := &session{
		key:   os.Getenv("SESSION_KEY"),
		epoch: os.Getenv("SESSION_EPOCH"),
		uid:   os.Getenv("POD_UID"),
		exit:  make(chan int, 1),
		store: store{url: os.Getenv("STORE_URL") + "/" + os.Getenv("SESSION_KEY"), fence: os.Getenv("SESSION_FENCE")},
	}
	if err := s.load(ctx); err != nil {
		return 0, err
	}
	server := &http.Server{Addr: ":8080", Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	code := 0
	select {
	case err := <-failed:
		return 0, err
	case code = <-s.exit:
	case <-ctx.Done():
	}
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(grace); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		return 0, err
	}
	return code, nil
}
