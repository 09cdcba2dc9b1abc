package gateway_test

import (
	"net/http"
	"slices"
	"testing"
)

// A cookie of one session does not reach another: not by a wider domain, and not by the name of a cookie of the gateway.
func TestCookiesOfASessionStayThere(t *testing.T) {
	for _, tt := range []struct {
		cookie string
		kept   bool
	}{
		{"a=1", true},
		{"a=1; Path=/; Secure; HttpOnly; SameSite=Lax", true},
		{"a=1; Domain=a.chess.test", true},
		{"a=1; Domain=.A.Chess.Test", true},
		{"a=1; domain=x.a.chess.test", true},
		{"a=1; Domain=", true},
		{"a=Domain=test", true},
		{"a=1; Domain=chess.test", false},
		{"a=1; Domain=.chess.test; Path=/", false},
		{"a=1; Path=/; DOMAIN = test ", false},
		{"a=1; Domain=b.chess.test", false},
		{"a=1; Domain=xa.chess.test", false},
		{"a=1; Domain=chess.test; Domain=a.chess.test", false},
		{"a=1; Domain=chess.test; Domain", false},
		{"__Host-dormouse=1; Path=/; Secure", false},
		{" __host-Dormouse-x=1", false},
		{"__Host-mine=1; Path=/; Secure", true},
		{"=__Host-dormouse=1; Path=/; Secure", false},
		{" = dormouse=1", false},
		{"=a=1", true},
	} {
		t.Run(tt.cookie, func(t *testing.T) {
			w := awake(t, func(rw http.ResponseWriter, _ *http.Request) {
				rw.Header()["Set-Cookie"] = []string{"first=1", tt.cookie, "last=1"}
			})
			res, _ := w.get("a", "/")
			want := []string{"first=1", tt.cookie, "last=1"}
			if !tt.kept {
				want = []string{"first=1", "last=1"}
			}
			got := res.Header["Set-Cookie"]
			if !slices.Equal(got, want) {
				t.Errorf("the client got %q, want %q", got, want)
			}
		})
	}
}

// The gateway's own cookies are credentials, and no pod sees them. All others come as they were sent.
func TestPodSeesNoCookieOfTheGateway(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 splits and joins cookies")
	w := awake(t, echo)
	for _, tt := range []struct{ sent, seen string }{
		{"a=1;b=2 ; c", "a=1;b=2 ; c"},
		{"__Host-dormouse=secret", ""},
		{"a=1; __Host-dormouse=secret; b=2", "a=1; b=2"},
		{"__host-DORMOUSE-token=secret; b=2", "b=2"},
		{"a=__Host-dormouse", "a=__Host-dormouse"},
	} {
		if got := w.pod("GET / HTTP/1.1", host, "Cookie: "+tt.sent).Header.Get("Cookie"); got != tt.seen {
			t.Errorf("of %q the pod saw %q, want %q", tt.sent, got, tt.seen)
		}
	}
}
