package front

import (
	"net/http"
	"net/netip"
)

// ClientOf is the address of a client, for counting: of IPv6 the network of 64 bits, which one machine may have for itself.
func ClientOf(r *http.Request) netip.Addr {
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
