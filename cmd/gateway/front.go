package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/certs"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// front is how clients reach the gateway, beside the plain port.
type front struct {
	listenTLS, tlsDir string
	redirectHTTPS     bool
	proxyFrom         prefixes
}

func (f *front) register(set *flag.FlagSet) {
	set.StringVar(&f.listenTLS, "listen-tls", "", "address that takes requests for sessions with TLS; empty: none")
	set.StringVar(&f.tlsDir, "tls-dir", "", "directory with a sub-directory for each certificate, with tls.crt and tls.key; looked at every 10 s")
	set.BoolVar(&f.redirectHTTPS, "redirect-https", false, "answer a request without TLS by 308 to https")
	set.Var(&f.proxyFrom, "proxy-protocol-from",
		"addresses such as 10.0.0.0/8,192.0.2.1/32 whose connections begin with the PROXY protocol, on both listeners; empty: none do")
}

// open opens the listeners. That with TLS is the server's, and its certificates are kept up to date until ctx ends.
func (f *front) open(ctx context.Context, address string, server *gateway.Server, log *slog.Logger, metrics prometheus.Registerer) (net.Listener, error) {
	if (f.listenTLS == "") != (f.tlsDir == "") {
		return nil, errors.New("--listen-tls and --tls-dir need each other")
	}
	plain, err := f.accept(address)
	if err != nil || f.listenTLS == "" {
		return plain, err
	}
	secure, err := f.accept(f.listenTLS)
	if err != nil {
		return nil, errors.Join(err, plain.Close())
	}
	store := &certs.Store{Files: os.DirFS(f.tlsDir), Log: log, Metrics: certs.NewMetrics(metrics)}
	store.Load()
	go store.Watch(ctx)
	server.Secure = &gateway.Secure{Listener: secure, TLS: store.TLS()}
	log.Info("serves with TLS", "address", secure.Addr().String())
	return plain, nil
}

func (f *front) accept(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil || len(f.proxyFrom) == 0 {
		return l, err
	}
	return gateway.ProxyProtocol(l, f.proxyFrom), nil
}

// prefixes is a flag: CIDRs, with commas between them.
type prefixes []netip.Prefix

// String implements flag.Value.
func (p *prefixes) String() string {
	all := make([]string, len(*p))
	for i, one := range *p {
		all[i] = one.String()
	}
	return strings.Join(all, ",")
}

// Set implements flag.Value.
func (p *prefixes) Set(s string) error {
	*p = nil
	for one := range strings.SplitSeq(s, ",") {
		prefix, err := netip.ParsePrefix(strings.TrimSpace(one))
		if err != nil {
			return fmt.Errorf("parse CIDR: %w", err)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}
