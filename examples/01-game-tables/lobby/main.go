// Command lobby makes game tables: first the row of each in the database, then its Session, in one request for as many as are wanted.
// It is a session itself, and there only while somebody wants a table.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

const (
	schemaTimeout   = 20 * time.Second
	shutdownTimeout = 10 * time.Second
	headerTimeout   = 10 * time.Second
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l := &lobby{namespace: os.Getenv("NAMESPACE"), sessions: client.New(os.Getenv("DORMOUSE_API"), client.Options{})}
	if err := run(ctx, l); err != nil {
		stop()
		log.Fatalf("lobby: %v", err)
	}
}

func run(ctx context.Context, l *lobby) error {
	if err := prepared(ctx); err != nil {
		return err
	}
	server := &http.Server{Addr: ":8080", Handler: l.handler(), ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return server.Shutdown(closing)
}

// prepared waits until the database answers, and has what tables are kept in.
func prepared(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, schemaTimeout)
	defer cancel()
	for {
		err := prepare(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("prepare the database: %w", errors.Join(err, ctx.Err()))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
