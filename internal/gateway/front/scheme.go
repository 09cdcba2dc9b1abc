package front

import (
	"net/http"
	"net/netip"
	"strings"
)

// Proxies are the addresses of proxies that end TLS before the gateway, and whose X-Forwarded-Proto is taken. Of anybody else it is not.
type Proxies []netip.Prefix

// Scheme is what a client speaks, https or http: with the gateway, or with the proxy before it.
func (p Proxies) Scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	said := r.Header["X-Forwarded-Proto"]
	if len(said) == 1 && said[0] == "https" && p.sent(r) {
		return "https"
	}
	return "http"
}

// sent says whether it was one of them who sent a request.
func (p Proxies) sent(r *http.Request) bool {
	_, sent := senderIn(p, r)
	return sent
}

// senderIn is the address that sent a request, and whether it is one of those.
func senderIn(prefixes []netip.Prefix, r *http.Request) (from netip.Addr, in bool) {
	if len(prefixes) == 0 {
		return from, false
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	return at.Addr(), err == nil && within(at.Addr(), prefixes)
}

func within(a netip.Addr, prefixes []netip.Prefix) bool {
	a = a.Unmap().WithZone("")
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// OwnPage says whether the page that makes a request is of the host that it asks, or no page makes it. A browser sends along the cookies of a host
// for any page there is, and asks nobody first where it opens a WebSocket. A page that came without TLS is not of the host that is asked with it: who
// listens on the way could have written it. The other way round it is: whoever ends TLS before the gateway may not say so.
func (p Proxies) OwnPage(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	scheme, host, ok := strings.Cut(origins[0], "://")
	if !ok || len(origins) > 1 || scheme != "https" && p.Scheme(r) == "https" {
		return false
	}
	return strings.EqualFold(trimPort(host, scheme), trimPort(r.Host, scheme))
}

// trimPort takes off the port that the scheme has anyway.
func trimPort(host, scheme string) string {
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}
