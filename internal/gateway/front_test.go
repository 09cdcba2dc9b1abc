package gateway_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// With TLS, ALPN decides between HTTP/2 and HTTP/1.1, and the pod is told that it was TLS.
func TestTLS(t *testing.T) {
	cert, pool := selfSigned(t, "*.chess.test")
	w := newWorld(t, chess(), secured(t, cert))
	w.publish("a", "pod-a", newPod(t, echo), 1)
	for _, newer := range []bool{true, false} {
		protocols := &http.Protocols{}
		protocols.SetHTTP1(true)
		protocols.SetHTTP2(newer)
		transport := &http.Transport{Protocols: protocols, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: "a.chess.test"}}
		r := w.request("GET", "a", "/", nil)
		r.URL.Scheme, r.URL.Host = "https", w.secure
		res, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		var s seen
		err = json.NewDecoder(res.Body).Decode(&s)
		_ = res.Body.Close()
		if err != nil || res.ProtoAtLeast(2, 0) != newer || s.Header.Get("X-Forwarded-Proto") != "https" {
			t.Errorf("got %s %v, %v", res.Proto, s.Header, err)
		}
		transport.CloseIdleConnections()
	}
}

// One connection of HTTP/2 may have 100 requests at once, and its headers 32 KiB.
func TestHTTP2Limits(t *testing.T) {
	w := newWorld(t, chess())
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, conn)
	_ = f.WriteSettings()
	frame, err := f.ReadFrame()
	settings, ok := frame.(*http2.SettingsFrame)
	if err != nil || !ok {
		t.Fatal(frame, err)
	}
	for id, most := range map[http2.SettingID]uint32{http2.SettingMaxConcurrentStreams: 100, http2.SettingMaxHeaderListSize: 32 << 10} {
		if v, ok := settings.Value(id); !ok || v > most {
			t.Errorf("%s is %d, %v", id, v, ok)
		}
	}
}

func TestRedirectToHTTPS(t *testing.T) {
	cert, _ := selfSigned(t, "*.chess.test")
	w := newWorld(t, chess(), secured(t, cert), func(g *gateway.Gateway, _ *gateway.Server) { g.RedirectHTTPS = true })
	w.publish("a", "pod-a", newPod(t, echo), 1)
	for _, tt := range []struct{ host, path, location string }{
		{"a.chess.test:8080", "/x%2f?a=1;b", "https://a.chess.test/x%2f?a=1;b"},
		{"[::1]:80", "/", "https://[::1]/"},
	} {
		res, body := w.raw("GET "+tt.path+" HTTP/1.1", "Host: "+tt.host)
		wantProblem(t, res, body, 308, answer.ReasonHTTPSOnly)
		if got := res.Header.Get("Location"); got != tt.location {
			t.Errorf("sent to %q, want %q", got, tt.location)
		}
	}
	res, body := w.raw("GET / HTTP/1.1", "Host: evil.test,a.chess.test")
	wantProblem(t, res, body, 400, answer.ReasonBadHost)
	res, body = w.raw("GET http://evil.test/ HTTP/1.1", "Host: a.chess.test")
	wantProblem(t, res, body, 400, answer.ReasonBadTarget)
	for _, path := range []string{gateway.HealthPath, "/.well-known/acme-challenge/x"} {
		if res, _ := w.raw("GET "+path+" HTTP/1.1", host); res.StatusCode != 200 {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
	conn, err := tls.Dial("tcp", w.secure, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\n%s\r\n\r\n", host)
	if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil || res.StatusCode != 200 {
		t.Errorf("with TLS: %v, %v", res, err)
	}
}

// The client's address comes from the PROXY protocol where it is trusted, and from nowhere else.
func TestProxyProtocol(t *testing.T) {
	const v1 = "PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\n"
	v2 := "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\x13\x88\x00\x50"
	for _, tt := range []struct{ name, trusted, header, client string }{
		{"version 1", "127.0.0.0/8", v1, "192.0.2.7"},
		{"version 2", "127.0.0.0/8", v2, "192.0.2.7"},
		{"none, where one must be", "127.0.0.0/8", "", ""},
		{"spoilt", "127.0.0.0/8", "PROXY TCP4 nobody\r\n", ""},
		{"none, from elsewhere", "10.0.0.0/8", "", "127.0.0.1"},
		{"version 1, from elsewhere", "10.0.0.0/8", v1, ""},
		{"version 2, from elsewhere", "10.0.0.0/8", v2, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := clientBehind(t, tt.trusted, tt.header); got != tt.client {
				t.Errorf("the pod sees the client %q, want %q", got, tt.client)
			}
		})
	}
}

// clientBehind is the address of the client as the pod sees it, if the request gets there.
func clientBehind(t *testing.T, trusted, header string) string {
	t.Helper()
	cert, _ := selfSigned(t, "*.chess.test")
	w := newWorld(t, chess(), secured(t, cert), func(_ *gateway.Gateway, s *gateway.Server) {
		s.Secure.Listener = front.ProxyProtocol(s.Secure.Listener, []netip.Prefix{netip.MustParsePrefix(trusted)})
	})
	w.publish("a", "pod-a", newPod(t, echo), 1)
	plain, err := net.Dial("tcp", w.secure)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = plain.Close() }()
	_, _ = io.WriteString(plain, header)
	conn := tls.Client(plain, &tls.Config{InsecureSkipVerify: true})
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\n%s\r\n\r\n", host)
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || res.StatusCode != 200 {
		return ""
	}
	body, _ := io.ReadAll(res.Body)
	var s seen
	_ = json.Unmarshal(body, &s)
	return strings.Join(s.Header["X-Forwarded-For"], ",")
}

// Behind proxies that say whose a request is, it is that client's: to the pod, and to the log. What a client says itself never is.
func TestClientByTheWordOfItsProxies(t *testing.T) {
	for trusted, want := range map[string]string{"127.0.0.0/8": "192.0.2.7", "10.0.0.0/8": "127.0.0.1"} {
		j := &journal{wrote: make(chan struct{}, 1)}
		w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) {
			g.Forwarders = front.Forwarders{netip.MustParsePrefix(trusted)}
			g.Log = slog.New(slog.NewJSONHandler(j, nil))
		})
		w.publish("a", "pod-a", newPod(t, echo), 1)
		if got := w.pod("GET / HTTP/1.1", host, "X-Forwarded-For: 6.6.6.6, 192.0.2.7").Header["X-Forwarded-For"]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: the pod saw %q", trusted, got)
		}
		if got := fmt.Sprint(j.line(t)["client"]); got != want && !strings.HasPrefix(got, want+":") {
			t.Errorf("%s: the log has %s", trusted, got)
		}
	}
}
