package front_test

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// One rule says what a client speaks, and which page is of the host: that of a trusted proxy counts, and nobody else's word.
func TestSchemeAndOwnPage(t *testing.T) {
	proxies := front.Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	const proxy, other = "10.1.2.3:4", "192.0.2.1:4"
	for _, tt := range []struct {
		name, from  string
		said        []string
		tls, secure bool
	}{
		{name: "plain", from: proxy},
		{name: "TLS", from: other, tls: true, secure: true},
		{name: "a proxy has ended TLS", from: proxy, said: []string{"https"}, secure: true},
		{name: "of IPv6", from: "[fd00::1]:4", said: []string{"https"}, secure: true},
		{name: "of IPv4 in IPv6", from: "[::ffff:10.0.0.1]:4", said: []string{"https"}, secure: true},
		{name: "a proxy has not", from: proxy, said: []string{"http"}},
		{name: "a client says it", from: other, said: []string{"https"}},
		{name: "two words", from: proxy, said: []string{"https", "http"}},
		{name: "a list", from: proxy, said: []string{"https, http"}},
		{name: "no address", from: "@", said: []string{"https"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{Host: "a.test", RemoteAddr: tt.from, Header: http.Header{"X-Forwarded-Proto": tt.said}}
			if tt.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := proxies.Scheme(r); (got == "https") != tt.secure {
				t.Errorf("it speaks %s", got)
			}
			for origin, own := range map[string]bool{
				"": true, "https://a.test": true, "https://A.test:443": true, "http://a.test": !tt.secure, "http://a.test:80": !tt.secure,
				"https://b.test": false, "https://a.test:444": false, "null": false, "a.test": false, "ftp://a.test": !tt.secure,
			} {
				r.Header.Del("Origin")
				if origin != "" {
					r.Header.Set("Origin", origin)
				}
				if got := proxies.OwnPage(r); got != own {
					t.Errorf("a page of %q is its own: %v", origin, got)
				}
			}
			r.Header["Origin"] = []string{"https://a.test", "https://a.test"}
			if proxies.OwnPage(r) {
				t.Error("two origins are one")
			}
		})
	}
}
