// Command table is one game table: it holds the game that SESSION_KEY names in memory, and keeps it in PostgreSQL while nobody plays.
// It is written as if every table always had a live process. That there is none while nobody plays is Dormouse's part.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/kill9"
)

const (
	loadTimeout     = 20 * time.Second // then the pod ends, and its last log line says why
	shutdownTimeout = 10 * time.Second // for what is in flight, and for the last save
	headerTimeout   = 10 * time.Second
	restTimeout     = 5 * time.Second
	margin          = 10 * time.Second // for the house's move, beyond the time that it takes at least
	lastWordsFile   = "/dev/termination-log"
)

func main() {
	kill9.IfAsked(os.Args)
	log.SetFlags(0)
	game := flag.String("game", "", "the game that is played: tictactoe, connectfour or nim")
	idle := flag.Duration("idle", time.Minute, "how long a game that goes on waits for the next move")
	think := flag.Duration("think", 0, "how long the house takes for a move, at least")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx, *game, *idle, *think); err != nil {
		stop()
		log.Fatalf("table: %v", err)
	}
}

func run(ctx context.Context, game string, idle, think time.Duration) error {
	who, err := identityFrom(os.Getenv)
	if err != nil {
		return err
	}
	t := newTable(who, game, think, rest)
	server := &http.Server{Addr: ":8080", Handler: handler(t, idle), ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	if err := t.load(ctx); err != nil && ctx.Err() == nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-t.ended:
		err = lastWords(t)
	case err = <-failed:
	}
	return errors.Join(err, shutDown(server, t))
}

// rest ends what Session-Busy said: the house has moved. If nobody hears it, that ends by itself.
func rest() {
	ctx, cancel := context.WithTimeout(context.Background(), restTimeout)
	defer cancel()
	if _, err := new(client.Self).Busy(ctx, 0); err != nil {
		log.Printf("say that the house has moved: %v", err)
	}
}

// lastWords are the result. Kubernetes keeps what is written here, and Dormouse tells it whoever asks for the table later.
func lastWords(t *table) error {
	v, err := t.look()
	if err != nil {
		return err
	}
	return os.WriteFile(lastWordsFile, []byte(v.Result), 0o600)
}

// shutDown answers what is in flight and saves what no save has seen: a pod is stopped after /save, but a node that is emptied does not ask.
func shutDown(server *http.Server, t *table) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return errors.Join(server.Shutdown(ctx), t.save(ctx))
}

// identity is which process of its table this is.
type identity struct {
	key   string
	epoch int64  // grows with each process of a Session
	fence int64  // grows with each process of a key, also when its Session was deleted and made again
	pod   string // UID
}

// identityFrom reads what Dormouse puts into the environment of every session's pod.
func identityFrom(getenv func(string) string) (identity, error) {
	who := identity{key: getenv("SESSION_KEY"), pod: getenv("SESSION_POD_UID")}
	if who.key == "" {
		return who, errors.New("SESSION_KEY is not set: Dormouse has not started this")
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
