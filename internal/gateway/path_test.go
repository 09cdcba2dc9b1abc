package gateway_test

import (
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// The application's part of a request comes through byte for byte.
func TestPathAndQueryAreVerbatim(t *testing.T) {
	w := awake(t, echo)
	for _, tt := range []struct{ target, want, prefix string }{
		{"/", "/", ""},
		{"/a/../../b%2f..%2fc", "/a/../../b%2f..%2fc", ""},
		{"/%41%2f%zz?x", "", ""}, // not even net/http takes it
		{"//evil.test/x", "//evil.test/x", ""},
		{`/a|b"c^d{e}`, `/a|b"c^d{e}`, ""},
		{"/日本", "/日本", ""},
		{"/x?a=1;b=2&c=%zz", "/x?a=1;b=2&c=%zz", ""},
		{"/x?", "/x?", ""},
		{"/x?a?b", "/x?a?b", ""},
		{"/chess/a/", "/", "/chess/a"},
		{"/chess/a/x/y%2Fz/../?q=%20", "/x/y%2Fz/../?q=%20", "/chess/a"},
		{"/chess/a//x", "//x", "/chess/a"},
		{"/chess/%61/x", "/x", "/chess/%61"},
	} {
		t.Run(tt.target, func(t *testing.T) {
			hostLine := "Host: a.chess.test"
			if tt.prefix != "" {
				hostLine = "Host: test"
			}
			if tt.want == "" {
				if res, _ := w.raw("GET "+tt.target+" HTTP/1.1", hostLine); res.StatusCode != 400 {
					t.Errorf("got %s", res.Status)
				}
				return
			}
			got := w.pod("GET "+tt.target+" HTTP/1.1", hostLine)
			if got.URI != tt.want || got.Header.Get("X-Forwarded-Prefix") != tt.prefix {
				t.Errorf("the pod saw %q below %q, want %q below %q", got.URI, got.Header.Get("X-Forwarded-Prefix"), tt.want, tt.prefix)
			}
		})
	}
}

func TestKeyWithoutSlash(t *testing.T) {
	w := awake(t, echo)
	res, body := w.raw("GET /chess/a?x=1;y HTTP/1.1", "Host: test")
	wantProblem(t, res, body, 308, answer.ReasonSlashMissing)
	if l := res.Header.Get("Location"); l != "/chess/a/?x=1;y" {
		t.Errorf("Location is %q", l)
	}
	if got := w.pod("POST /chess/a?x=1 HTTP/1.1", "Host: test", "Content-Length: 0"); got.URI != "/?x=1" {
		t.Errorf("the pod saw %q", got.URI)
	}
}

// 000-38: whatever route finds the key in a request, all requests for it go to its pod.
func TestKeyOfEveryRoute(t *testing.T) {
	w := newWorld(t, chess())
	pod := newPod(t, echo)
	w.publish("a", "pod-a", pod, 1)
	w.publish("日本", "pod-j", pod, 1)
	w.publish("room 1/b", "pod-r", pod, 1)
	for _, tt := range []struct{ name, target, host, header, key string }{
		{"host", "/", "a.chess.test:8080", "", "a"},
		{"host in upper case", "/", "A.CHESS.Test", "", "a"},
		{"path", "/chess/%E6%97%A5%E6%9C%AC/", "test", "", "%E6%97%A5%E6%9C%AC"},
		{"path, any host", "/chess/a/", "[::1]:80", "", "a"},
		{"header", "/", "test", "X-Chess-Table: room 1/b", "room%201%2Fb"},
		{"the first route wins", "/chess/%E6%97%A5%E6%9C%AC/", "a.chess.test", "X-Chess-Table: b", "a"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			lines := []string{"GET " + tt.target + " HTTP/1.1", "Host: " + tt.host}
			if tt.header != "" {
				lines = append(lines, tt.header)
			}
			got := w.pod(lines...)
			if k := got.Header.Get("Session-Key"); k != tt.key || got.Host != tt.host {
				t.Errorf("the pod of %q was asked at %q", k, got.Host)
			}
		})
	}
}
