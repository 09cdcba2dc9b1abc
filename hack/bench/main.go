// Command bench measures Dormouse on the cluster that hack/cluster has started.
//
//	go run ./hack/bench wake    # a cold wake beside a bare pod's start, and the API writes of a whole cycle
//	go run ./hack/bench hit     # processor time and allocations of a request for a session that is awake
//
// Wall-clock times swing with whatever else the machine does, so a target that is missed is told and is no failure. The
// number of writes is exact: more of them than promised ends it with status 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Measure Dormouse on the cluster of hack/cluster.

  go run ./hack/bench VERB [-n ROUNDS]

  wake   a cold wake through a gateway beside the start of a bare pod, in turn; then the API writes of
         each cycle of wake and sleep, from the audit log. Installs Dormouse if it is not there.
  hit    processor time and allocations of a request for a session that is awake

  -n     rounds of wake, or repetitions of hit (default 20 and 5)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	verbs := map[string]struct {
		run    func(context.Context, int) error
		rounds int
	}{"wake": {wake, 20}, "hit": {hit, 5}}
	if len(args) == 0 || verbs[args[0]].run == nil {
		fmt.Print(usage)
		if len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
			return nil
		}
		return errors.New("a verb is needed: wake or hit")
	}
	verb := verbs[args[0]]
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.Usage = func() { fmt.Print(usage) }
	n := flags.Int("n", verb.rounds, "")
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	if *n < 1 || flags.NArg() > 0 {
		return errors.New("-n is a number of at least 1, and nothing follows it")
	}
	return verb.run(ctx, *n)
}
