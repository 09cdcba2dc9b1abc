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
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// entrances is how clients reach the gateway.
type entrances struct {
	listen, listenTCP string
	listenTLS, tlsDir string
	redirectHTTPS     bool
	proxyFrom         prefixes
	httpsFrom         prefixes
	clientsFrom       prefixes

	connectionsPerClient int
}

func (f *entrances) register(set *flag.FlagSet) {
	set.StringVar(&f.listen, "listen", ":8080", "address that takes requests for sessions")
	set.StringVar(&f.listenTCP, "listen-tcp", "", "address that takes raw TCP: TLS that is passed through as it is to templates with protocol: TCP, by its server name, or by the authority that a proxy of --proxy-protocol-from says; default: none")
	set.StringVar(&f.listenTLS, "listen-tls", "", "address that takes requests for sessions with TLS; empty: none")
	set.StringVar(&f.tlsDir, "tls-dir", "", "directory with a sub-directory for each certificate, with tls.crt and tls.key; looked at every 10 s")
	set.BoolVar(&f.redirectHTTPS, "redirect-https", false, "answer a request without TLS by 308 to https")
	set.Var(&f.proxyFrom, "proxy-protocol-from",
		"addresses such as 10.0.0.0/8,192.0.2.1/32 whose connections begin with the PROXY protocol, on all listeners; empty: none do")
	set.Var(&f.httpsFrom, "forwarded-proto-from",
		"addresses of proxies that end TLS, whose X-Forwarded-Proto is taken; with the PROXY protocol a client's address counts, not its proxy's; empty: nobody's is")
	set.Var(&f.clientsFrom, "forwarded-for-from",
		"addresses of proxies that say whose a request is, whose X-Forwarded-For is taken: the last address in it that is not one of theirs; empty: nobody's is")
	set.IntVar(&f.connectionsPerClient, "connections-per-client", 0, "how many connections one address has at once, at each listener; 0: no bound")
}

// open opens the listeners. Those with TLS and of raw TCP are the server's, and certificates are kept up to date until ctx ends.
func (f *entrances) open(ctx context.Context, server *gateway.Server, log *slog.Logger, metrics prometheus.Registerer) (net.Listener, error) {
	if (f.listenTLS == "") != (f.tlsDir == "") {
		return nil, errors.New("--listen-tls and --tls-dir need each other")
	}
	turnedAway := server.Gateway.Metrics.TurnedAway
	plain, err := f.accept(f.listen, turnedAway)
	if err != nil {
		return nil, err
	}
	if f.listenTCP != "" {
		if server.Raw, err = f.accept(f.listenTCP, turnedAway); err != nil {
			return nil, errors.Join(err, plain.Close())
		}
	}
	if f.listenTLS == "" {
		return plain, nil
	}
	secure, err := f.accept(f.listenTLS, turnedAway)
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

func (f *entrances) accept(address string, turnedAway func()) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if len(f.proxyFrom) > 0 {
		l = front.ProxyProtocol(l, f.proxyFrom)
	}
	return front.LimitPerClient(l, f.connectionsPerClient, turnedAway), nil
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
		if prefix, err = unmap(prefix); err != nil {
			return err
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// mappedBits is how many bits stand before the address of IPv4 in one of IPv6 that is mapped from it, RFC 4291 section 2.5.5.2.
const mappedBits = 96

// unmap gives addresses of IPv4 that are written as those of IPv6 their own spelling: they are compared in that.
func unmap(p netip.Prefix) (netip.Prefix, error) {
	if !p.Addr().Is4In6() {
		return p, nil
	}
	if p.Bits() < mappedBits {
		return p, fmt.Errorf("%s is more than IPv4: write 0.0.0.0/0 for all of it, and what of IPv6 is meant besides", p)
	}
	return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-mappedBits), nil
}
