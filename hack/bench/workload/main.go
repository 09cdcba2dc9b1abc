// Command workload is what the benches start: a server that is there at once and holds nothing. It answers every request with
// the key and the epoch of its session.
package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	// Process 1 of a container is not ended by a signal that it does not handle.
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(answer)}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		fmt.Fprintln(os.Stderr, "workload:", err)
		os.Exit(1)
	}
}

func answer(w http.ResponseWriter, _ *http.Request) {
	fmt.Fprintf(w, "%s %s\n", os.Getenv("SESSION_KEY"), os.Getenv("SESSION_EPOCH"))
}
