// Command worker is all steps in the life of a server, each by its argument. A step does one thing, and ends with an exit code that says how it went. What
// follows from that is not its business: the templates say so, as outcomes.
package main

import (
	"context"
	"errors"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/dormouse-dev/dormouse/examples/kill9"
)

const (
	// lastWordsFile is a file of every pod. What is in it is a part of how the container ended, as status.lastExit.message.
	lastWordsFile = "/dev/termination-log"
	cloudURL      = "http://cloud"
	cloudPatience = 10 * time.Second // for one answer
)

// job is what a step has to do with.
type job struct {
	cloud  cloud
	server string // its name: the key of the session
	input  []byte
}

// step returns its last words.
type step func(context.Context, job) (string, error)

var steps = map[string]step{
	"order":           order,
	"machine":         machine,
	"small-machine":   smallMachine,
	"find-machine":    findMachine,
	"record":          record,
	"configure":       configure,
	"destroy-machine": destroyMachine,
	"destroy-record":  destroyRecord,
	"check":           check,
}

// The ends that are no crash. The outcomes of the templates know them by their exit codes.
var (
	errOrder   = errors.New("nobody can fill this order")
	errQuota   = errors.New("the quota has no room for it")
	errTimeout = errors.New("the cloud did not answer in time")
	errNotYet  = errors.New("not all name servers know it yet")
	errOver    = errors.New("the server is being destroyed")
	errLeft    = errors.New("something is left")
)

// exitCode is how a step ends that failed. All other errors are 1, as log.Fatal has it.
func exitCode(err error) int {
	for i, known := range []error{errOrder, errQuota, errTimeout, errNotYet, errOver, errLeft} {
		if errors.Is(err, known) {
			return 10 + i
		}
	}
	return 1
}

func main() {
	kill9.IfAsked(os.Args)
	log.SetFlags(0)
	if len(os.Args) != 2 || steps[os.Args[1]] == nil {
		log.Fatal("usage: worker STEP")
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, steps[os.Args[1]])
	stop()
	if err != nil {
		log.Print(err)
		os.Exit(exitCode(err))
	}
}

func run(ctx context.Context, do step) error {
	input, err := os.ReadFile(os.Getenv("SESSION_INPUT")) //nolint:gosec // the path is Dormouse's
	if err != nil {
		return err
	}
	words, err := do(ctx, job{
		cloud:  cloud{url: cloudURL, http: &http.Client{Timeout: cloudPatience}},
		server: os.Getenv("SESSION_KEY"),
		input:  input,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(lastWordsFile, []byte(words), 0o600)
}
