package main

import (
	"flag"
	"io"
	"log/slog"
	"testing"

	"github.com/pires/go-proxyproto"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// opened is what a gateway listens on with these flags.
func opened(t *testing.T, args ...string) (*gateway.Server, bool, error) {
	t.Helper()
	f := &front{}
	set := flag.NewFlagSet("gateway", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f.register(set)
	if err := set.Parse(args); err != nil {
		return nil, false, err
	}
	server := &gateway.Server{}
	l, err := f.open(t.Context(), "127.0.0.1:0", server, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return nil, false, err
	}
	t.Cleanup(func() { _ = l.Close() })
	_, proxied := l.(*proxyproto.Listener)
	return server, proxied, nil
}

func TestFront(t *testing.T) {
	dir := "--tls-dir=" + t.TempDir()
	for _, tt := range []struct {
		name            string
		args            []string
		secure, proxied bool
		refused         bool
	}{
		{name: "plain"},
		{name: "TLS", args: []string{"--listen-tls=127.0.0.1:0", dir}, secure: true},
		{name: "PROXY protocol on both", args: []string{"--listen-tls=127.0.0.1:0", dir, "--proxy-protocol-from=10.0.0.0/8, fd00::/8"}, secure: true, proxied: true},
		{name: "TLS without certificates", args: []string{"--listen-tls=127.0.0.1:0"}, refused: true},
		{name: "certificates without TLS", args: []string{dir}, refused: true},
		{name: "no CIDR", args: []string{"--proxy-protocol-from=10.0.0.1"}, refused: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server, proxied, err := opened(t, tt.args...)
			if (err != nil) != tt.refused {
				t.Fatalf("got error %v", err)
			}
			if tt.refused {
				return
			}
			if proxied != tt.proxied || (server.Secure != nil) != tt.secure {
				t.Errorf("PROXY protocol %v, TLS %v", proxied, server.Secure != nil)
			}
			if !tt.secure {
				return
			}
			if _, both := server.Secure.Listener.(*proxyproto.Listener); both != tt.proxied {
				t.Errorf("PROXY protocol with TLS: %v", both)
			}
			_ = server.Secure.Listener.Close()
		})
	}
}
