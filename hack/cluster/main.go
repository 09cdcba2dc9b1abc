// Command cluster gives tests and demos a real Kubernetes, on a laptop and on a bare machine.
//
// Where a Docker engine answers, the cluster is one of kind (kind.go). Elsewhere, as root on Linux, every part of
// Kubernetes is built from its Go modules and run as plain processes below one folder (local.go): no registry, no
// downloaded binary, no container engine. CLUSTER=kind or CLUSTER=local chooses by hand.
//
//	go run ./hack/cluster up
//	export KUBECONFIG=$(go run ./hack/cluster kubeconfig)
//	go run ./hack/cluster load-image gateway.tar
//	go run ./hack/cluster down
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"
)

const usage = `A Kubernetes for tests and demos.

  go run ./hack/cluster VERB [ARGUMENT...]

`

const environment = `
Environment:
  CLUSTER               kind, or local (default: kind where a Docker engine answers, else local)
  DORMOUSE_CLUSTER_DIR  the folder of the local cluster (default: /var/lib/dormouse-cluster)
  KUBEBUILDER_ASSETS    a folder with kube-apiserver, etcd and kubectl; "assets" builds none if it is set
`

// provider is one way to run a cluster.
type provider interface {
	up(ctx context.Context) error
	down(ctx context.Context) error
	status(ctx context.Context) error
	loadImages(ctx context.Context, files []string) error
	kubeconfig(ctx context.Context) error
	kill(ctx context.Context, component string) error
	start(ctx context.Context, component string) error
	cut(ctx context.Context) error
	mend(ctx context.Context) error
}

// verb is one word of the command line.
type verb struct {
	name, args, help string
	least, most      int // how many arguments it takes; most < 0 means any number
	run              func(ctx context.Context, args []string) error
}

// verbs in the order of the help text. Those without a help text are not for people.
func verbs() []verb {
	on := func(f func(ctx context.Context, p provider, args []string) error) func(context.Context, []string) error {
		return func(ctx context.Context, args []string) error {
			p, err := choose(ctx)
			if err != nil {
				return err
			}
			return f(ctx, p, args)
		}
	}
	plain := func(f func(p provider, ctx context.Context) error) func(context.Context, []string) error {
		return on(func(ctx context.Context, p provider, _ []string) error { return f(p, ctx) })
	}
	return []verb{
		{"up", "", "start the cluster, or repair it; says so if it runs already", 0, 0, plain(provider.up)},
		{"down", "", "stop the cluster and leave no trace of it", 0, 0, plain(provider.down)},
		{"status", "", "show what runs, the addresses and the audit log; fails unless all is up", 0, 0, plain(provider.status)},
		{
			"load-image", "FILE.tar...", "put images on the node", 1, -1,
			on(func(ctx context.Context, p provider, args []string) error { return p.loadImages(ctx, args) }),
		},
		{"kubeconfig", "", "print the path of the administrator's kubeconfig", 0, 0, plain(provider.kubeconfig)},
		{
			"kill", "COMPONENT", "kill -9 a component, for a fault test", 1, 1,
			on(func(ctx context.Context, p provider, args []string) error { return p.kill(ctx, args[0]) }),
		},
		{
			"start", "COMPONENT", "start a component again and wait until it works", 1, 1,
			on(func(ctx context.Context, p provider, args []string) error { return p.start(ctx, args[0]) }),
		},
		{"cut", "", "cut the node off from the API server, for a fault test", 0, 0, plain(provider.cut)},
		{"mend", "", "undo cut", 0, 0, plain(provider.mend)},
		{"build", "", "build every binary that is not in the cache", 0, 0, runBuild},
		{"path", "NAME", "print the path of a binary, kubectl say", 1, 1, runPath},
		{"assets", "", "print a folder for KUBEBUILDER_ASSETS", 0, 0, runAssets},
		{"exec", "COMPONENT", "", 1, 1, runExec},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := dispatch(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		stop()
		os.Exit(1)
	}
}

func dispatch(ctx context.Context, args []string) error {
	if len(args) == 0 || isHelp(args[0]) {
		fmt.Print(helpText())
		return nil
	}
	for _, v := range verbs() {
		if v.name != args[0] {
			continue
		}
		rest := args[1:]
		if len(rest) > 0 && isHelp(rest[0]) {
			fmt.Print(helpText())
			return nil
		}
		if len(rest) < v.least || v.most >= 0 && len(rest) > v.most {
			return fmt.Errorf("usage: %s %s", v.name, v.args)
		}
		return v.run(ctx, rest)
	}
	return fmt.Errorf("no verb %q; --help lists them", args[0])
}

func isHelp(arg string) bool {
	return arg == "--help" || arg == "-h" || arg == "-help" || arg == "help"
}

func helpText() string {
	var b strings.Builder
	b.WriteString(usage)
	for _, v := range verbs() {
		if v.help != "" {
			fmt.Fprintf(&b, "  %-24s %s\n", strings.TrimSpace(v.name+" "+v.args), v.help)
		}
	}
	fmt.Fprintf(&b, "\nComponents: %s\n", strings.Join(componentNames(), ", "))
	b.WriteString(environment)
	return b.String()
}

// choose returns the provider that CLUSTER names, or the one that this machine can run.
func choose(ctx context.Context) (provider, error) {
	kind := os.Getenv("CLUSTER")
	if kind == "" && dockerAnswers(ctx) {
		kind = "kind"
	}
	switch kind {
	case "kind":
		return kindCluster{}, nil
	case "", "local":
		if os.Geteuid() != 0 || runtime.GOOS != "linux" {
			return nil, errors.New("no Docker engine answers, and a local cluster needs root: " +
				"start Docker (then kind is used), or run this command as root on a Linux machine")
		}
		return openLocal()
	}
	return nil, fmt.Errorf("CLUSTER=%s is unknown: use kind or local", kind)
}

// dockerAnswers waits two seconds at most: an engine that is slower than that is not one to build on.
func dockerAnswers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return exec.CommandContext(ctx, "docker", "info").Run() == nil
}
