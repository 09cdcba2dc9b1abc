// Command chatroom is one chat room: whoever is there hears what anybody says. It is written as if its room always had a process.
package main

import (
	"context"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dormouse-dev/dormouse/examples/kill9"
)

const (
	loadTimeout     = 20 * time.Second
	shutdownTimeout = 5 * time.Second
	headerTimeout   = 10 * time.Second
)

func main() {
	kill9.IfAsked(os.Args)
	log.SetFlags(0)
	listen := flag.String("listen", ":8080", "the address to listen on")
	url := flag.String("archive", "", "the URL of the archive that keeps the room while it sleeps; empty: it is not kept")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	a := &archive{url: *url, room: os.Getenv("SESSION_KEY"), fence: os.Getenv("SESSION_FENCE")}
	if err := run(ctx, *listen, os.Getenv("SESSION_EPOCH"), a); err != nil {
		stop()
		log.Fatalf("chatroom: %v", err)
	}
}

func run(ctx context.Context, listen, epoch string, a *archive) error {
	loading, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	said, err := a.load(loading)
	if err != nil {
		return err
	}
	r := newRoom(a.room, epoch, said)
	server := &http.Server{Addr: listen, Handler: handler(r, a), ReadHeaderTimeout: headerTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return errors.Join(server.Shutdown(closing), a.save(closing, r.view().Messages))
}
