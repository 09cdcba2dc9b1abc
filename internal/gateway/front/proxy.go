package front

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/pires/go-proxyproto"
)

// headerTimeout is how long a proxy has for the header of the PROXY protocol.
const headerTimeout = 10 * time.Second

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
	return ok && within(tcp.AddrPort().Addr(), from)
}

// Authority is the host name that a connection is for by the word of a trusted proxy, in the TLV PP2_TYPE_AUTHORITY of the PROXY protocol. The proxy may
// have ended TLS, so what follows is anything. Not said: there is no proxy, or it does not say it. An error: it says what is no host name.
func Authority(c net.Conn) (host string, said bool, err error) {
	p, ok := c.(*proxyproto.Conn)
	if !ok {
		return "", false, nil
	}
	return authorityOf(p.ProxyHeader())
}

// authorityOf reads the header of a proxy; nil: there is none.
func authorityOf(h *proxyproto.Header) (host string, said bool, err error) {
	if h == nil {
		return "", false, nil
	}
	all, err := h.TLVs()
	if err != nil {
		return "", false, fmt.Errorf("PROXY protocol: %w", err)
	}
	for _, tlv := range all {
		if tlv.Type != proxyproto.PP2_TYPE_AUTHORITY {
			continue
		}
		if said {
			return "", false, errors.New("PROXY protocol: two authorities")
		}
		name, ok := ParseHost(string(tlv.Value))
		if !ok || strings.ContainsAny(string(tlv.Value), ":[") {
			return "", false, errors.New("PROXY protocol: the authority is no host name")
		}
		host, said = name, true
	}
	return host, said, nil
}
