// Package story tells what an example promises, line by line, on a real cluster, and fails at the first line that is not so.
package story

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

// Line is one sentence of a story, and how to see that it is so.
type Line struct {
	Says string
	Look func(context.Context, *Stage) error // its error says what was seen in the place of what the sentence says

	Within time.Duration // how long it may take; 0: as long as anything may
}

// Stage is where a story is played: the namespace of its example, on a cluster with Dormouse.
type Stage struct {
	Gateway   string // its URL
	Namespace string
	API       *client.Client // the Session API of the gateway
	HTTP      *http.Client
}

// patience is how long anything may take, a whole line included, unless it says otherwise.
const patience = 90 * time.Second

const usage = `Play the story of this example with real requests, on the cluster that kubectl speaks to. It must have Dormouse, and the
manifests of this folder applied. The exit code is 0 if, and only if, every line of the story is so.

`

// Tell plays a story, prints what it saw, and ends the process.
func Tell(namespace string, lines []Line) {
	flag.Usage = func() { fmt.Fprint(flag.CommandLine.Output(), usage); flag.PrintDefaults() }
	gateway := flag.String("gateway", "http://127.0.0.1:8080", "the URL of Dormouse's gateway, such as that of a kubectl port-forward")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	s := newStage(strings.TrimSuffix(*gateway, "/"), namespace)
	err := s.play(ctx, lines)
	stop()
	if err != nil {
		fmt.Printf("   NOT SO: %v\n", err)
		os.Exit(1)
	}
	fmt.Printf("\nAll %d lines are so.\n", len(lines))
}

// newStage opens a connection for each request, so that the requests are spread over the gateways.
func newStage(gateway, namespace string) *Stage {
	s := &Stage{Gateway: gateway, Namespace: namespace}
	s.HTTP = &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	s.API = client.New(gateway, client.Options{HTTP: s.HTTP})
	return s
}

func (s *Stage) play(ctx context.Context, lines []Line) error {
	for i, l := range lines {
		fmt.Printf("\n%d. %s\n", i+1, l.Says)
		ctx, cancel := context.WithTimeout(ctx, cmp.Or(l.Within, patience))
		err := l.Look(ctx, s)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// Saw prints what was seen.
func (s *Stage) Saw(format string, args ...any) { fmt.Printf("   "+format+"\n", args...) }

// Until asks again and again until it is so. An error of seen, or the end of the patience, ends that.
func (s *Stage) Until(ctx context.Context, what string, seen func() (so bool, err error)) error {
	for {
		so, err := seen()
		if err != nil || so {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("waited in vain until %s: %w", what, context.Cause(ctx))
		case <-time.After(100 * time.Millisecond):
		}
	}
}
