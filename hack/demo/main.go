// Command demo starts a cluster, installs Dormouse on it with its chart, and plays the whole ring with real requests:
// wake, serve, sleep, wake again, crash.
//
//	go run ./hack/demo up                     # what make demo does
//	go run ./hack/demo down                   # what make demo-down does
//	go run ./hack/demo examples [03-greeter]  # plays the examples that have a story, on what is installed
//
// It needs the standard library only (and ours); kubectl, helm and the cluster are programs that it builds.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

const usage = `Show Dormouse on a real Kubernetes.

  go run ./hack/demo VERB

  up                  install, then play
  install             start the cluster; build and load the images; install the chart and the first example
  play                tell the story with real requests, on what is installed
  examples [NAME...]  build, load and apply the examples of these folders, and have each tell its story (default: all that have one)
  down                stop the cluster and leave no trace

Environment:
  CLUSTER   kind, or local (default: kind where a Docker engine answers, else local)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	verbs := map[string]func(context.Context, *demo) error{"up": up, "install": install, "play": play, "down": down}
	if len(args) > 0 && args[0] == "examples" {
		names := args[1:]
		args, verbs["examples"] = args[:1], func(ctx context.Context, d *demo) error { return examples(ctx, d, names) }
	}
	if len(args) != 1 || verbs[args[0]] == nil {
		fmt.Print(usage)
		if len(args) == 1 && (args[0] == "help" || args[0] == "-h" || args[0] == "--help") {
			return nil
		}
		return fmt.Errorf("one verb is needed: up, install, play, examples or down")
	}
	d, err := open(ctx)
	if err != nil {
		return err
	}
	defer d.close()
	return verbs[args[0]](ctx, d)
}

func up(ctx context.Context, d *demo) error {
	if err := install(ctx, d); err != nil {
		return err
	}
	return play(ctx, d)
}

func down(ctx context.Context, d *demo) error {
	if err := d.show(ctx, d.cluster, "down"); err != nil {
		return err
	}
	return removeLeftovers()
}
