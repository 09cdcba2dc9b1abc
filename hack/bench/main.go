// Command bench measures Dormouse.
//
//	go run ./hack/bench wake     # a cold wake beside a bare pod's start, and the API writes of a whole cycle, on the cluster of hack/cluster
//	go run ./hack/bench hit      # processor time and allocations of a request for a session that is awake
//	go run ./hack/bench gateway  # the gateway beside nginx, haproxy and net/http's ReverseProxy
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
	"regexp"
	"syscall"
)

const usage = `Measure Dormouse.

  go run ./hack/bench VERB [-n ROUNDS]

  wake     a cold wake through a gateway, its writes and watches alone, and the start of a bare pod, in turn;
           then the API writes of each cycle of wake and sleep, from the audit log. Needs the cluster of
           hack/cluster, and installs Dormouse there if it is not
  hit      processor time and allocations of a request for a session that is awake
  gateway  the gateway beside nginx, haproxy and net/http's ReverseProxy, one processor for each and one
           for the load: what a request and a connection cost. Needs Linux and two processors

  -n       rounds of wake and gateway, or repetitions of hit (default 30, 3 and 5)
  -only    of gateway: a regular expression of what is measured, such as 'HTTP/1.1, 32'
  -seconds of gateway: how long one turn of one server takes (default 1)
`

// options are what the flags say.
type options struct {
	n       int
	only    *regexp.Regexp
	seconds int
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// verb is something that can be measured.
type verb struct {
	run    func(context.Context, options) error
	rounds int
	more   bool // it has -only and -seconds
}

func dispatch(ctx context.Context, args []string) error {
	verbs := map[string]verb{"wake": {run: wake, rounds: 30}, "hit": {run: hit, rounds: 5}, "gateway": {run: compare, rounds: 3, more: true}}
	if len(args) == 0 || verbs[args[0]].run == nil {
		fmt.Print(usage)
		if len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
			return nil
		}
		return errors.New("a verb is needed: wake, hit or gateway")
	}
	v := verbs[args[0]]
	o, err := v.options(args)
	if err != nil {
		return err
	}
	return v.run(ctx, o)
}

// options reads the flags behind a verb.
func (v verb) options(args []string) (o options, err error) {
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.Usage = func() { fmt.Print(usage) }
	flags.IntVar(&o.n, "n", v.rounds, "")
	o.only, o.seconds = regexp.MustCompile(""), 1
	if v.more {
		flags.IntVar(&o.seconds, "seconds", o.seconds, "")
		flags.Func("only", "", func(s string) (err error) { o.only, err = regexp.Compile(s); return err })
	}
	if err := flags.Parse(args[1:]); err != nil {
		return o, err
	}
	if o.n < 1 || o.seconds < 1 || flags.NArg() > 0 {
		return o, errors.New("-n and -seconds are numbers of at least 1, and nothing follows them")
	}
	return o, nil
}
