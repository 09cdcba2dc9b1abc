package front_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// A client is who the last of the proxies says it is, and nobody whom the client itself names.
func TestForwarders(t *testing.T) {
	proxies := front.Forwarders{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name, from string
		said       []string
		want       string
		counts     string
	}{
		{name: "no proxy", from: "192.0.2.1:4", said: []string{"6.6.6.6"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "one proxy", from: "10.1.2.3:4", said: []string{"192.0.2.1"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "a client that says something", from: "10.1.2.3:4", said: []string{"6.6.6.6, 192.0.2.1"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "a client that names a proxy", from: "10.1.2.3:4", said: []string{"10.9.9.9, 192.0.2.1"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "two proxies", from: "10.1.2.3:4", said: []string{"6.6.6.6,192.0.2.1 , 10.3.2.1"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "two headers", from: "10.1.2.3:4", said: []string{"6.6.6.6", "192.0.2.1"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "with a port", from: "10.1.2.3:4", said: []string{"192.0.2.1:80"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "of IPv6", from: "[fd00::1]:4", said: []string{"[2001:db8::7]:80"}, want: "2001:db8::7", counts: "2001:db8::"},
		{name: "of IPv4 in IPv6", from: "[::ffff:10.0.0.1]:4", said: []string{"::ffff:192.0.2.1"}, want: "192.0.2.1", counts: "192.0.2.1"},
		{name: "a proxy says nothing", from: "10.1.2.3:4", want: "10.1.2.3", counts: "10.1.2.3"},
		{name: "proxies alone", from: "10.1.2.3:4", said: []string{"10.3.2.1"}, want: "10.3.2.1", counts: "10.3.2.1"},
		{name: "no address", from: "10.1.2.3:4", said: []string{"192.0.2.1, unknown"}, want: "10.1.2.3", counts: "10.1.2.3"},
		{name: "nothing behind a comma", from: "10.1.2.3:4", said: []string{"192.0.2.1,"}, want: "10.1.2.3", counts: "10.1.2.3"},
		{name: "no connection", from: "@", said: []string{"192.0.2.1"}, counts: "invalid IP"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := proxies.Mark(&http.Request{RemoteAddr: tt.from, Header: http.Header{"X-Forwarded-For": tt.said}})
			if got := front.HostOf(r); got != tt.want {
				t.Errorf("it is of %q", got)
			}
			if got := front.ClientOf(r).String(); got != tt.counts {
				t.Errorf("it counts as of %s", got)
			}
		})
	}
}
