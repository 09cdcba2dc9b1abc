package gateway_test

import (
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// everyRoute is a world in which the key "a" is found in every place that there is.
func everyRoute(t testing.TB) *world {
	t.Helper()
	w := newWorld(t, chess(func(t *resolve.Template) {
		t.Routes = []resolve.Route{
			{Host: "{key}--chess.test"},
			{Host: "eu-{key}.test"},
			{Host: "x.eu-{key}--y.z.test"},
			{Path: "/chess/{key}/"},
			{Cookie: "table"},
			{Query: "table"},
			{Header: "X-Table"},
		}
	}))
	pod := newPod(t, echo)
	w.publish("a", "pod-a", pod, 1)
	w.publish("room 1/b", "pod-r", pod, 1)
	return w
}

// 000-38, 004-02: the key is found wherever a route says it is, and the pod sees the request as it was sent.
func TestKeyInAPartOfTheHostACookieOrTheQuery(t *testing.T) {
	w := everyRoute(t)
	for _, tt := range []struct{ name, target, host, line, key string }{
		{"before", "/", "a--chess.test", "", "a"},
		{"behind", "/", "EU-a.test:80", "", "a"},
		{"between, with labels around", "/", "x.eu-a--y.z.test", "", "a"},
		{"cookie", "/", "test", "Cookie: b=1; table=a; c=2", "a"},
		{"cookie, encoded", "/", "test", "Cookie: table=room%201/b", "room%201%2Fb"},
		{"query", "/x?b=1&table=a&c=%zz", "test", "", "a"},
		{"query, encoded", "/x?table=room+1%2Fb", "test", "", "room%201%2Fb"},
		{"query, name encoded", "/x?t%61ble=a", "test", "", "a"},
		{"the cookie comes before the query", "/?table=b", "test", "Cookie: table=a", "a"},
		{"an empty cookie is none", "/?table=a", "test", "Cookie: table=; table2=b", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := []string{"GET " + tt.target + " HTTP/1.1", "Host: " + tt.host}
			if tt.line != "" {
				lines = append(lines, tt.line)
			}
			got := w.pod(lines...)
			if k := got.Header.Get("Session-Key"); k != tt.key || got.URI != tt.target || got.Host != tt.host {
				t.Errorf("the pod of %q was asked for %q at %q", k, got.URI, got.Host)
			}
			if _, value, _ := strings.Cut(tt.line, ": "); got.Header.Get("Cookie") != value {
				t.Errorf("the pod saw the cookies %q", got.Header.Get("Cookie"))
			}
		})
	}
}

// 004-02: what could be read in two ways is no key.
func TestKeyThatCouldBeTwoIsRefused(t *testing.T) {
	w := everyRoute(t)
	for _, tt := range []struct {
		name, target, host, line string
		status                   int
		reason                   answer.Reason
	}{
		{"no key in the label", "/", "--chess.test", "", 400, answer.ReasonBadHost},
		{"no key behind", "/", "eu-.test", "", 400, answer.ReasonBadHost},
		{"head and tail share a hyphen", "/", "x.eu--y.z.test", "", 404, answer.ReasonNoRoute},
		{"two cookies", "/", "test", "Cookie: table=a; table=b", 400, answer.ReasonBadKey},
		{"two cookies, one empty", "/", "test", "Cookie: table; table=a", 400, answer.ReasonBadKey},
		{"cookie in quotes", "/", "test", `Cookie: table="a"`, 400, answer.ReasonBadKey},
		{"cookie in another case", "/", "test", "Cookie: TABLE=a", 404, answer.ReasonNoRoute},
		{"cookie, malformed", "/", "test", "Cookie: table=%zz", 400, answer.ReasonBadKey},
		{"two parameters", "/?table=a&table=b", "test", "", 400, answer.ReasonBadKey},
		{"two parameters in two spellings", "/?table=a&%74able=b", "test", "", 400, answer.ReasonBadKey},
		{"semicolon", "/?table=a;table=b", "test", "", 400, answer.ReasonBadKey},
		{"parameter, malformed", "/?table=%a", "test", "", 400, answer.ReasonBadKey},
		{"parameter, not UTF-8", "/?table=%ff", "test", "", 400, answer.ReasonBadKey},
		{"empty parameter", "/?table=", "test", "", 404, answer.ReasonNoRoute},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := []string{"GET " + tt.target + " HTTP/1.1", "Host: " + tt.host}
			if tt.line != "" {
				lines = append(lines, tt.line)
			}
			res, body := w.raw(lines...)
			wantProblem(t, res, body, tt.status, tt.reason)
		})
	}
}

// A browser sends a cookie to a WebSocket that any page opens.
func TestForeignPageOpensNoWebSocketByCookie(t *testing.T) {
	w := everyRoute(t)
	upgrade := []string{"Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="}
	ask := func(lines ...string) []string { return append(lines, upgrade...) }
	for _, origin := range []string{"https://evil.test", "https://test.evil.test", "https://test:81", "null", "test", "https://a.test"} {
		res, body := w.raw(ask("GET / HTTP/1.1", "Host: test", "Cookie: table=a", "Origin: "+origin)...)
		wantProblem(t, res, body, 403, answer.ReasonForeignOrigin)
	}
	for _, lines := range [][]string{
		{"GET / HTTP/1.1", "Host: test", "Cookie: table=a", "Origin: https://test"},
		{"GET / HTTP/1.1", "Host: TEST:443", "Cookie: table=a", "Origin: https://test"},
		{"GET / HTTP/1.1", "Host: test:8080", "Cookie: table=a", "Origin: http://test:8080"},
		{"GET / HTTP/1.1", "Host: test", "Cookie: table=a"},
		{"GET / HTTP/1.1", "Host: a--chess.test", "Origin: https://evil.test"},
	} {
		if got := w.pod(ask(lines...)...); got.Header.Get("Session-Key") != "a" {
			t.Errorf("%q came to %v", lines, got)
		}
	}
}
