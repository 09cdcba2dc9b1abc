// Command server is what the benchmark of gateways puts under test beside nginx and haproxy: the reverse proxy of net/http, and our
// gateway with its directory, but without a cluster. Each is a process of its own, with a second listener by which it is told what to do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// settings of a server.
type settings struct {
	listen, control string
	pod             string // where requests go
	sockets         string // where WebSockets and uploads go
	keys            int    // bystanders in the directory
	log             bool   // the access log, to standard error
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}

func run() error {
	kinds := map[string]func(context.Context, *settings, net.Listener) error{"plain": plain, "dormouse": dormouse}
	if len(os.Args) < 2 || kinds[os.Args[1]] == nil {
		return errors.New("which server: plain or dormouse?")
	}
	var s settings
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	flags.StringVar(&s.listen, "listen", "", "address that takes requests")
	flags.StringVar(&s.control, "control", "", "address that is asked for figures, and told what to do")
	flags.StringVar(&s.pod, "pod", "", "address of the pod that requests go to")
	flags.StringVar(&s.sockets, "sockets", "", "address of the pod that WebSockets and uploads go to")
	flags.IntVar(&s.keys, "keys", 0, "awake keys that nobody asks for")
	flags.BoolVar(&s.log, "log", false, "write an access log to standard error")
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	l, err := net.Listen("tcp", s.listen)
	if err != nil {
		return err
	}
	return kinds[os.Args[1]](ctx, &s, l)
}

// obey serves the control listener.
func obey(s *settings, orders http.Handler) {
	server := &http.Server{Addr: s.control, Handler: orders, ReadHeaderTimeout: 10 * time.Second}
	if err := server.ListenAndServe(); err != nil {
		fmt.Fprintln(os.Stderr, "server:", err)
		os.Exit(1)
	}
}
