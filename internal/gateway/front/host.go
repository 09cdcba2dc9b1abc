package front

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/key"
)

// maxHost is the largest length of a host name, RFC 1123.
const maxHost = 253

// ParseHost gives the host in a Host header, in lower case: a host name, an IPv4 address, or an IPv6 address without its
// brackets. There is one spelling of a host; a trailing dot, an underscore or an empty port is none.
func ParseHost(hostport string) (string, bool) {
	if strings.HasPrefix(hostport, "[") {
		return parseIPv6(hostport[1:])
	}
	host, port := hostport, ""
	if colon := strings.IndexByte(hostport, ':'); colon >= 0 {
		host, port = hostport[:colon], hostport[colon:]
	}
	if len(host) > maxHost || !isPort(port) {
		return "", false
	}
	host = strings.ToLower(host)
	for label := range strings.SplitSeq(host, ".") {
		if !key.IsLabel(label) {
			return "", false
		}
	}
	return host, true
}

// parseIPv6 parses what is behind the opening bracket.
func parseIPv6(s string) (string, bool) {
	inside, port, closed := strings.Cut(s, "]")
	addr, err := netip.ParseAddr(inside)
	if err != nil || !closed || !addr.Is6() || addr.Zone() != "" || !isPort(port) {
		return "", false
	}
	return addr.String(), true
}

// isPort takes ":1" to ":65535", and nothing at all.
func isPort(s string) bool {
	if s == "" {
		return true
	}
	n, err := strconv.ParseUint(s[1:], 10, 16)
	return s[0] == ':' && err == nil && n > 0 && s[1] != '0'
}
