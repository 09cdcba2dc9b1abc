package front

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// Forwarders are the addresses of proxies whose X-Forwarded-For is taken. Of anybody else it is not.
type Forwarders []netip.Prefix

// clientKey is where a request has its client, if a proxy said who that is.
type clientKey struct{}

// Mark gives r with the client that it is of by the word of the proxies before it: the last address in X-Forwarded-For that is not one of theirs. What stands
// before that anybody may have written.
func (f Forwarders) Mark(r *http.Request) *http.Request {
	proxy, sent := senderIn(f, r)
	if !sent {
		return r
	}
	client := f.client(proxy, strings.Join(r.Header["X-Forwarded-For"], ","))
	return r.WithContext(context.WithValue(r.Context(), clientKey{}, client))
}

// client goes from hop to hop towards the client, as long as it is told by one of the proxies.
func (f Forwarders) client(hop netip.Addr, said string) netip.Addr {
	for said != "" && within(hop, f) {
		i := strings.LastIndexByte(said, ',')
		next, err := addressIn(strings.TrimSpace(said[i+1:]))
		if err != nil {
			break
		}
		hop, said = next, said[:max(i, 0)]
	}
	return hop.Unmap().WithZone("")
}

// addressIn reads an address, which some proxies write with its port.
func addressIn(text string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr(), nil
	}
	return netip.ParseAddr(text)
}

func marked(r *http.Request) (client netip.Addr, ok bool) {
	client, ok = r.Context().Value(clientKey{}).(netip.Addr)
	return client, ok
}

// AddressOf is the address of a client, with its port if it is that of the connection.
func AddressOf(r *http.Request) string {
	if client, ok := marked(r); ok {
		return client.String()
	}
	return r.RemoteAddr
}

// HostOf is the same without a port; empty: it is not known.
func HostOf(r *http.Request) string {
	if client, ok := marked(r); ok {
		return client.String()
	}
	host, _, _ := net.SplitHostPort(r.RemoteAddr)
	return host
}

// ClientOf is the address of a client, for counting: of IPv6 the network of 64 bits, which one machine may have for itself.
func ClientOf(r *http.Request) netip.Addr {
	if client, ok := marked(r); ok {
		return networkOf(client)
	}
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return networkOf(at.Addr())
}

// networkOf is what counts as one client: of IPv6 the network of 64 bits.
func networkOf(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a
	}
	return netip.PrefixFrom(a, 64).Masked().Addr()
}
