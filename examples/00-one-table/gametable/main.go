// Command gametable is one game table: it holds the moves of the table that SESSION_KEY names in memory, and keeps them
// in a JetStream key-value bucket while nobody plays.
//
// It is written as if every table always had a live process. That there is none while nobody plays is Dormouse's part.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	loadTimeout     = 20 * time.Second // then the pod ends, and its last log line says why
	shutdownTimeout = 10 * time.Second // for what is in flight, and for the last save
	headerTimeout   = 10 * time.Second
)

func main() {
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		log.Fatalf("gametable: %v", err)
	}
}

func run(ctx context.Context) error {
	who, err := identityFrom(os.Getenv)
	if err != nil {
		return err
	}
	conn, err := nats.Connect(os.Getenv("STORE_URL"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1),
		nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return fmt.Errorf("connect to the store %q: %w", os.Getenv("STORE_URL"), err)
	}
	defer conn.Close()

	t := &table{who: who}
	server := &http.Server{Addr: ":8080", Handler: handler(t), ReadHeaderTimeout: headerTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()

	if err := t.load(ctx, conn); err != nil && ctx.Err() == nil {
		return err
	}
	select {
	case <-ctx.Done():
	case err = <-ended:
	}
	return errors.Join(err, shutDown(server, t))
}

// shutDown answers what is in flight and saves what no save has seen: a pod is stopped after /save, but a node that is
// emptied does not ask.
func shutDown(server *http.Server, t *table) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return errors.Join(server.Shutdown(ctx), t.save(ctx))
}

// identity is which pod this is.
type identity struct {
	key   string
	epoch int64  // grows with each pod of the key
	fence int64  // grows with each pod of the key, also over a Session that was deleted and made again
	pod   string // the pod's UID
}

// identityFrom reads what Dormouse puts into the environment of every session's pod.
func identityFrom(getenv func(string) string) (identity, error) {
	who := identity{key: getenv("SESSION_KEY"), pod: getenv("POD_UID")}
	if who.key == "" {
		return who, errors.New("SESSION_KEY is not set: this pod was not started by Dormouse")
	}
	for name, to := range map[string]*int64{"SESSION_EPOCH": &who.epoch, "SESSION_FENCE": &who.fence} {
		n, err := strconv.ParseInt(getenv(name), 10, 64)
		if err != nil || n < 1 {
			return who, fmt.Errorf("%s=%q is not a positive number", name, getenv(name))
		}
		*to = n
	}
	return who, nil
}
