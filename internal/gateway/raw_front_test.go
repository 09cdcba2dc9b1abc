package gateway_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pires/go-proxyproto"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// plainPod takes what a client says to the end of its half, and then says it back.
func plainPod(t *testing.T) string {
	t.Helper()
	return plainPodBy(t, func(c net.Conn) {
		said, _ := io.ReadAll(c)
		_, _ = c.Write(said)
	})
}

// plainPodBy serves each connection by h, and gives its address.
func plainPodBy(t *testing.T, h func(net.Conn)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				h(c)
			}()
		}
	}()
	return l.Addr().String()
}

// rawWorldBehind is a gateway whose raw connections from these addresses are of a proxy.
func rawWorldBehind(t *testing.T, trusted string) *raws {
	t.Helper()
	w := rawWorld(t, func(_ *gateway.Gateway, s *gateway.Server) {
		s.Raw = front.ProxyProtocol(s.Raw, []netip.Prefix{netip.MustParsePrefix(trusted)})
	})
	return w
}

// proxySays opens a connection as a proxy does that names an authority, and gives all that comes back.
func proxySays(t *testing.T, addr, authority, text string) string {
	t.Helper()
	return proxySaysOf(t, net.IPv4(192, 0, 2, 1), addr, authority, text)
}

// proxySaysOf is proxySays for the client at an address.
func proxySaysOf(t *testing.T, client net.IP, addr, authority, text string) string {
	t.Helper()
	c := dialProxied(t, client, addr, authority)
	_, _ = io.WriteString(c, text)
	_ = c.CloseWrite()
	got, _ := io.ReadAll(c)
	return string(got)
}

// dialProxied opens a connection as a proxy does that speaks for a client, and names an authority.
func dialProxied(t *testing.T, client net.IP, addr, authority string) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: client, Port: 1}, c.RemoteAddr())
	if err := h.SetTLVs([]proxyproto.TLV{{Type: proxyproto.PP2_TYPE_AUTHORITY, Value: []byte(authority)}}); err != nil {
		t.Fatal(err)
	}
	if _, err := h.WriteTo(c); err != nil {
		t.Fatal(err)
	}
	return c.(*net.TCPConn)
}

// A proxy that has ended TLS says which session a connection is for; what it carries is anything, and its halves end one by one.
func TestRawConnectionByTheWordOfAProxy(t *testing.T) {
	for name, tt := range map[string]struct{ from, authority, comes, reason string }{
		"trusted":           {"127.0.0.0/8", "A.chess.test", "hello", ""},
		"no such session":   {"127.0.0.0/8", "a.go.test", "", string(answer.ReasonNoRoute)},
		"no host name":      {"127.0.0.0/8", "a.chess.test:80", "", string(answer.ReasonBadHost)},
		"not to be trusted": {"10.0.0.0/8", "a.chess.test", "", string(answer.ReasonBadHello)},
	} {
		t.Run(name, func(t *testing.T) {
			w := rawWorldBehind(t, tt.from)
			w.wakeBy(func(context.Context, directory.Wish) error {
				w.publishAs(false, "a", "pod-a", plainPod(t), 1)
				return nil
			})
			if got := proxySays(t, w.addr, tt.authority, "hello"); got != tt.comes {
				t.Errorf("%q comes back", got)
			}
			if reason := w.ends(); reason != tt.reason {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}

// A client that is gone since it has ended its half does not keep its session, though the pod goes on, and says nothing.
func TestRawClientThatIsGoneBehindItsHalf(t *testing.T) {
	w := rawWorldBehind(t, "127.0.0.0/8")
	heard := make(chan struct{})
	w.publishAs(false, "a", "pod-a", plainPodBy(t, func(c net.Conn) {
		_, _ = io.Copy(io.Discard, c)
		close(heard)
		<-t.Context().Done()
	}), 1)
	c := dialProxied(t, net.IPv4(192, 0, 2, 1), w.addr, "a.chess.test")
	_, _ = io.WriteString(c, "hello")
	_ = c.CloseWrite()
	<-heard
	_ = c.SetLinger(0) // so that its end is told at once, and not to the next probe
	_ = c.Close()
	if reason := w.ends(); reason != "" {
		t.Errorf("the reason is %q", reason)
	}
}

// How many connections a client has is bounded as for requests, by the word of a proxy too; and those within the limit have their halves, and their name.
func TestRawConnectionsPerClient(t *testing.T) {
	limited := func(_ *gateway.Gateway, s *gateway.Server) {
		s.Raw = front.LimitPerClient(front.ProxyProtocol(s.Raw, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), 1, func() {})
	}
	w := rawWorld(t, limited)
	w.publishAs(false, "a", "pod-a", plainPodBy(t, func(c net.Conn) { _, _ = io.Copy(c, c) }), 1)
	alice, bob := net.IPv4(192, 0, 2, 1), net.IPv4(192, 0, 2, 2)
	for range 2 { // one after the other
		if got := proxySaysOf(t, alice, w.addr, "a.chess.test", "hello"); got != "hello" {
			t.Errorf("%q comes back", got)
		}
		if reason := w.ends(); reason != "" {
			t.Errorf("the reason is %q", reason)
		}
		for w.metric("dormouse_gateway_raw_connections") > 0 { // until its place is free
			runtime.Gosched()
		}
	}
	first := dialProxied(t, alice, w.addr, "a.chess.test")
	_, _ = io.WriteString(first, "x")
	if _, err := io.ReadFull(first, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	if got := proxySaysOf(t, alice, w.addr, "b.chess.test", "hello"); got != "" {
		t.Errorf("%q comes back to a second one", got)
	}
	if reason := w.ends(); reason != string(answer.ReasonLimitReached) {
		t.Errorf("the reason is %q", reason)
	}
	if n := w.wakes.Load(); n != 0 {
		t.Errorf("wakes %d times", n)
	}
	if got := proxySaysOf(t, bob, w.addr, "a.chess.test", "hello"); got != "hello" {
		t.Errorf("%q comes back to another client", got)
	}
}

// Where the proxy says nothing of it, the server name of the client does.
func TestRawConnectionByNameBehindAProxy(t *testing.T) {
	w := rawWorldBehind(t, "127.0.0.0/8")
	w.publishAs(false, "a", "pod-a", securePod(t, echoes), 1)
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	_, _ = proxyproto.HeaderProxyFromAddrs(1, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, c.RemoteAddr()).WriteTo(c)
	if err := tls.Client(c, &tls.Config{ServerName: "a.chess.test", InsecureSkipVerify: true}).Handshake(); err != nil {
		t.Error(err)
	}
}

// A raw connection is used only if the pod that was meant has the address: it says so at another port, after the connection is open.
func TestIdentityOfARawConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		says    string
		status  int
		goodbye string // which the answer says of its connection
		good    bool
	}{
		"itself":                 {"pod-a\n", 200, "", true},
		"itself, and hangs up":   {"pod-a", 200, "close", true},
		"another pod":            {"pod-b", 200, "", false},
		"another, and hangs up":  {"pod-b", 200, "close", false},
		"nobody that is willing": {"pod-a", 404, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			good := tt.good
			var asked atomic.Int32
			who := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				asked.Add(1)
				if r.URL.Path != "/who" || r.Header.Get("Session-Key") != "" {
					t.Errorf("asked %s with %v", r.URL, r.Header)
				}
				rw.Header().Set("Connection", tt.goodbye)
				rw.WriteHeader(tt.status)
				_, _ = fmt.Fprint(rw, tt.says)
			}))
			t.Cleanup(who.Close)
			_, port, _ := strings.Cut(who.Listener.Addr().String(), ":")
			w := rawWorld(t)
			tmpl := chess(func(t *resolve.Template) {
				t.Raw, t.Routes, t.WakeTimeout = true, []resolve.Route{{Host: "{key}.chess.test"}}, 300*time.Millisecond
				t.IdentityPath, t.IdentityPort = "/who", number(port)
			})
			if good {
				tmpl.WakeTimeout = 10 * time.Second
			}
			w.gateway.Publish([]resolve.Template{tmpl})
			w.publishAs(false, "a", "pod-a", securePod(t, echoes), 1)
			c, err := dialRaw(t, w.addr, "a.chess.test")
			if (err == nil) != good {
				t.Fatalf("the connection: %v", err)
			}
			if !good {
				if reason := w.ends(); reason != string(answer.ReasonWakeTimeout) {
					t.Errorf("the reason is %q", reason)
				}
				if n := w.metric("dormouse_gateway_misroutes_refused_total"); n < 1 {
					t.Errorf("%v misroutes are counted", n)
				}
				return
			}
			_ = c.Close()
			if n := asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// Whoever wakes sessions by raw connections takes nothing of what another address may, and its own is counted where Sessions are made.
func TestRawWakesPerClient(t *testing.T) {
	w := rawWorld(t, func(g *gateway.Gateway, s *gateway.Server) {
		s.Raw, g.WakesPerClient = front.ProxyProtocol(s.Raw, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), 1
	})
	clients := make(chan netip.Addr, 2)
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		clients <- wish.Client
		return &directory.Refusal{Kind: directory.NotFound}
	})
	for _, tt := range []struct{ client, reason string }{
		{"192.0.2.1", string(answer.ReasonNotFound)},
		{"192.0.2.1", string(answer.ReasonLimitReached)},
		{"192.0.2.2", string(answer.ReasonNotFound)},
	} {
		proxySaysOf(t, net.ParseIP(tt.client), w.addr, "a.chess.test", "")
		if reason := w.ends(); reason != tt.reason {
			t.Errorf("%s: the reason is %q, want %q", tt.client, reason, tt.reason)
		}
	}
	if first := <-clients; first.String() != "192.0.2.1" {
		t.Errorf("made for %v", first)
	}
}

// Where bytes count, all that goes by on a raw connection keeps its session awake, whichever end says it, and the halves end one by one as ever.
func TestRawBytesKeepTheirSessionAwake(t *testing.T) {
	talk := func(c net.Conn, enough <-chan struct{}) {
		for {
			select {
			case <-enough:
				return
			case <-time.After(time.Millisecond):
				_, _ = io.WriteString(c, "x")
			}
		}
	}
	hear := func(c net.Conn, _ <-chan struct{}) { _, _ = io.Copy(io.Discard, c) }
	for name, tt := range map[string]struct {
		client, pod func(net.Conn, <-chan struct{})
	}{
		"of the client": {client: talk, pod: hear},
		"of the pod":    {client: hear, pod: talk},
	} {
		t.Run(name, func(t *testing.T) {
			w := rawWorldBehind(t, "127.0.0.0/8")
			var touches atomic.Int64
			enough := make(chan struct{})
			at := netip.MustParseAddrPort(plainPodBy(t, func(c net.Conn) { tt.pod(c, enough) }))
			awake := func() directory.View {
				return directory.View{
					Version: w.version.Add(1), UID: "s", State: directory.Reachable, Epoch: 1, Activity: time.Now(), IdleAfter: 30 * time.Millisecond,
					CountsBytes: true, Pod: directory.Pod{UID: "pod-a", Address: at.Addr().String(), Port: int(at.Port())},
				}
			}
			w.dir.Touch = func(n directory.Need) {
				touches.Add(1)
				go w.dir.Touched(n.ID, awake())
			}
			w.dir.Apply(id("a"), awake())
			c := dialProxied(t, net.IPv4(192, 0, 2, 1), w.addr, "a.chess.test")
			go tt.client(c, enough)
			w.until("touched again and again", func() bool { return touches.Load() >= 5 }) // one, at most, is for the opening
			close(enough)
			_ = c.CloseWrite()
			if reason := w.ends(); reason != "" {
				t.Errorf("the reason is %q", reason)
			}
		})
	}
}
