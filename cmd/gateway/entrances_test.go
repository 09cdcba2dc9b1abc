package main

import (
	"errors"
	"flag"
	"io"
	"log/slog"
	"net"
	"os"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// opened is what a gateway listens on with these flags.
func opened(t *testing.T, args ...string) (server *gateway.Server, proxied bool, err error) {
	t.Helper()
	server, l, err := openWith(t, args...)
	if err != nil {
		return nil, false, err
	}
	_, proxied = l.(*proxyproto.Listener)
	return server, proxied, nil
}

func openWith(t *testing.T, args ...string) (*gateway.Server, net.Listener, error) {
	t.Helper()
	f := &entrances{}
	set := flag.NewFlagSet("gateway", flag.ContinueOnError)
	set.SetOutput(io.Discard)
	f.register(set)
	if err := set.Parse(append(args, "--listen=127.0.0.1:0")); err != nil {
		return nil, nil, err
	}
	server := &gateway.Server{Gateway: &gateway.Gateway{Metrics: gateway.NewMetrics(prometheus.NewRegistry())}}
	l, err := f.open(t.Context(), server, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return nil, nil, err
	}
	t.Cleanup(func() { _ = l.Close() })
	return server, l, nil
}

func TestEntrances(t *testing.T) {
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
		{name: "raw TCP", args: []string{"--listen-tcp=127.0.0.1:0"}},
		{name: "raw TCP behind the PROXY protocol", args: []string{"--listen-tcp=127.0.0.1:0", "--proxy-protocol-from=10.0.0.0/8"}, proxied: true},
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
			if server.Raw != nil {
				if _, raw := server.Raw.(*proxyproto.Listener); raw != tt.proxied {
					t.Errorf("PROXY protocol with raw TCP: %v", raw)
				}
				_ = server.Raw.Close()
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

// An address is within a prefix however that is spelled.
func TestPrefixes(t *testing.T) {
	for written, want := range map[string]string{
		"10.1.2.3/8":                  "10.0.0.0/8",
		"10.0.0.0/8, fd00::1/8":       "10.0.0.0/8,fd00::/8",
		"::ffff:10.0.0.0/104":         "10.0.0.0/8",
		"::ffff:192.0.2.1/128":        "192.0.2.1/32",
		"::ffff:0:0/96":               "0.0.0.0/0",
		"::ffff:10.0.0.0/95":          "",
		"::/0":                        "::/0",
		"192.0.2.1/32,::ffff:0.0.0.0": "",
	} {
		var p prefixes
		if err := p.Set(written); (err != nil) != (want == "") || err == nil && p.String() != want {
			t.Errorf("%s is %s: %v", written, p.String(), err)
		}
	}
}

// One address has no more connections than it may, wherever it comes in.
func TestConnectionsPerClientAtEachEntrance(t *testing.T) {
	server, plain, err := openWith(t, "--listen-tls=127.0.0.1:0", "--tls-dir="+t.TempDir(), "--listen-tcp=127.0.0.1:0", "--connections-per-client=1")
	if err != nil {
		t.Fatal(err)
	}
	for name, l := range map[string]net.Listener{"plain": plain, "TLS": server.Secure.Listener, "raw TCP": server.Raw} {
		accepted := make(chan net.Conn, 2)
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				accepted <- c
			}
		}()
		dial := func() net.Conn {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
			return c
		}
		dial()
		<-accepted
		if _, err := dial().Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: a second connection is taken", name)
		}
		_ = l.Close()
	}
}
