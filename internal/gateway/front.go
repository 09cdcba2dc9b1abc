package gateway

import (
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/pires/go-proxyproto"
)

// acmePath is where a certificate authority looks for a proof, without TLS. RFC 8555 section 8.3.
const acmePath = "/.well-known/acme-challenge/"

// redirect sends those who came without TLS to the same with it, if RedirectHTTPS says so.
func (g *Gateway) redirect(next http.Handler) http.Handler {
	if !g.RedirectHTTPS {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil || strings.HasPrefix(r.URL.Path, acmePath) {
			next.ServeHTTP(w, r)
			return
		}
		g.answer(w, r, secureLocation(r))
	})
}

// secureLocation is the Problem HTTPSOnly, or what is wrong with the request.
func secureLocation(r *http.Request) *Problem {
	host, ok := parseHost(r.Host)
	if !ok {
		return &Problem{Reason: ReasonBadHost}
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	if _, ok := rawPath(r); !ok {
		return &Problem{Reason: ReasonBadTarget}
	}
	return &Problem{Reason: ReasonHTTPSOnly, Location: "https://" + host + r.RequestURI}
}

// ProxyProtocol takes the address of a client from the PROXY protocol, version 1 or 2. Connections from the addresses in from must
// begin with it; those from others must not, and are what they are.
func ProxyProtocol(l net.Listener, from []netip.Prefix) net.Listener {
	return &proxyproto.Listener{
		Listener:          l,
		ReadHeaderTimeout: headerTimeout,
		ConnPolicy: func(c proxyproto.ConnPolicyOptions) (proxyproto.Policy, error) {
			if trusted(c.Upstream, from) {
				return proxyproto.REQUIRE, nil
			}
			return proxyproto.SKIP, nil
		},
	}
}

func trusted(addr net.Addr, from []netip.Prefix) bool {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return false
	}
	ip := tcp.AddrPort().Addr().Unmap().WithZone("")
	for _, p := range from {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}
