// Command greeter greets by the name that SESSION_KEY holds. After three greetings its work is done, and it ends by itself.
package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dormouse-dev/dormouse/examples/kill9"
)

const (
	greetings       = 3 // of one greeter
	lastWordsFile   = "/dev/termination-log"
	shutdownTimeout = 10 * time.Second
	headerTimeout   = 10 * time.Second
)

// greeting is what a client gets.
type greeting struct {
	Says  string `json:"says"`
	Name  string `json:"name"`
	Epoch string `json:"epoch"` // how many greeters this name has had
	Pod   string `json:"pod"`   // its UID
	Left  int64  `json:"left"`  // greetings, until this greeter is done
}

func main() {
	kill9.IfAsked(os.Args)
	log.SetFlags(0)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		stop()
		log.Fatalf("greeter: %v", err)
	}
}

func run(ctx context.Context) error {
	done := make(chan struct{})
	server := &http.Server{Addr: ":8080", Handler: greeter(func() { close(done) }), ReadHeaderTimeout: headerTimeout}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	words := "Goodbye, "
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		words = "I was told to go, "
	case <-done:
	}
	// Kubernetes keeps what is written here with how the container ended, and Dormouse shows it as status.lastExit.message.
	words += os.Getenv("SESSION_KEY") + "!"
	if err := os.WriteFile(lastWordsFile, []byte(words), 0o600); err != nil {
		log.Printf("write the last words: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	return server.Shutdown(ctx) // the last greeting is on its way
}

// greeter answers with a greeting, and calls done with the last one.
func greeter(done func()) http.Handler {
	var given atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		name := os.Getenv("SESSION_KEY")
		n := given.Add(1)
		if n > greetings {
			http.Error(w, "this greeter is done", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(greeting{ // fails only when the client is gone
			Says: "Hello, " + name + "!", Name: name, Epoch: os.Getenv("SESSION_EPOCH"), Pod: os.Getenv("SESSION_POD_UID"), Left: greetings - n,
		})
		if n == greetings {
			done()
		}
	})
}
