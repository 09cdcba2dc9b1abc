package gateway_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// endings is a log that gives the reason of each raw connection that has ended.
type endings struct {
	slog.Handler
	reasons chan string
}

func (e endings) Enabled(context.Context, slog.Level) bool { return true }

func (e endings) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "connection" {
		return nil
	}
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "reason" {
			e.reasons <- a.Value.String()
		}
		return true
	})
	return nil
}

// ends waits for the end of a raw connection, and gives its reason.
func (w *raws) ends() string {
	w.t.Helper()
	select {
	case reason := <-w.reasons:
		return reason
	case <-time.After(20 * time.Second):
		w.t.Fatal("no connection ends")
	}
	return ""
}

// raws is a world with a listener for raw TCP.
type raws struct {
	*world
	endings
	addr string
}

func rawWorld(t *testing.T, change ...func(*gateway.Gateway, *gateway.Server)) *raws {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tmpl := chess(func(t *resolve.Template) { t.Raw, t.Routes = true, []resolve.Route{{Host: "{key}.chess.test"}} })
	w := &raws{endings: endings{slog.DiscardHandler, make(chan string, 100)}, addr: l.Addr().String()}
	w.world = newWorld(t, tmpl, append([]func(*gateway.Gateway, *gateway.Server){func(g *gateway.Gateway, s *gateway.Server) {
		g.Publish([]resolve.Template{tmpl})
		g.Log = slog.New(w.endings)
		s.Raw = l
	}}, change...)...)
	return w
}

// certificate is that of a server of TLS, for whatever name.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	return s.TLS.Certificates[0]
}

// securePod serves TLS, each connection by h, and gives its address.
func securePod(t *testing.T, h func(*tls.Conn)) string {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go serveRaw(l, h)
	return l.Addr().String()
}

func serveRaw(l net.Listener, h func(*tls.Conn)) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = c.Close() }()
			h(c.(*tls.Conn))
		}()
	}
}

// echoes sends back what comes, and ends its half when the client has.
func echoes(c *tls.Conn) {
	_, _ = io.Copy(c, c)
	_ = c.CloseWrite()
}

// dialRaw begins a connection as a client of TLS does. Any certificate will do: it is the pod's.
func dialRaw(t *testing.T, addr, name string) (*tls.Conn, error) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(20 * time.Second))
	client := tls.Client(c, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	return client, client.Handshake()
}

func mustDialRaw(t *testing.T, addr, name string) *tls.Conn {
	t.Helper()
	c, err := dialRaw(t, addr, name)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRawConnectionWakesItsSession(t *testing.T) {
	w := rawWorld(t)
	pod := securePod(t, echoes)
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		if wish.Key != "a" || !wish.Create {
			t.Errorf("wakes %+v", wish)
		}
		w.publish("a", "pod-a", pod, 1)
		return nil
	})
	c := mustDialRaw(t, w.addr, "a.chess.test")
	sent := make([]byte, 1<<20)
	_, _ = rand.Read(sent)
	go func() {
		_, _ = c.Write(sent)
		_ = c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if err != nil || !bytes.Equal(got, sent) {
		t.Errorf("%d bytes come back of %d: %v", len(got), len(sent), err)
	}
	if n := w.wakes.Load(); n != 1 {
		t.Errorf("wakes %d times", n)
	}
	_ = c.NetConn().Close()
	if reason := w.ends(); reason != "" {
		t.Errorf("the reason is %q", reason)
	}
	if n := w.metric("dormouse_gateway_raw_connections_total", ""); n != 1 {
		t.Errorf("%v connections have ended well", n)
	}
	if held := w.dir.Len(); held != 1 {
		t.Errorf("holds %d sessions", held)
	}
}

// The name may be in any case, as DNS is.
func TestRawConnectionByNameInAnyCase(t *testing.T) {
	w := rawWorld(t)
	w.publish("a", "pod-a", securePod(t, echoes), 1)
	mustDialRaw(t, w.addr, "A.Chess.TEST")
}

// A half that is closed is closed at the other end too, and the other half goes on.
func TestRawHalfClose(t *testing.T) {
	for _, first := range []string{"client", "pod"} {
		t.Run("of the "+first, func(t *testing.T) {
			w := rawWorld(t)
			result := make(chan []byte, 1)
			says, hears := []byte("by the one who closes"), bytes.Repeat([]byte("by the other one"), 1<<14)
			talk := func(c *tls.Conn, begins bool) []byte {
				if begins {
					_, _ = c.Write(says)
					_ = c.NetConn().(*net.TCPConn).CloseWrite() // of TCP: TLS has no half that it must obey
					got, _ := io.ReadAll(c)
					return got
				}
				got := make([]byte, len(says))
				_, _ = io.ReadFull(c, got)
				if _, err := c.NetConn().Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("hears no end: %v", err)
				}
				_, _ = c.Write(hears)
				_ = c.NetConn().(*net.TCPConn).CloseWrite()
				return got
			}
			w.publish("a", "pod-a", securePod(t, func(c *tls.Conn) {
				_ = c.Handshake()
				result <- talk(c, first == "pod")
			}), 1)
			mine, its := talk(mustDialRaw(t, w.addr, "a.chess.test"), first == "client"), <-result
			if first == "pod" {
				mine, its = its, mine
			}
			if !bytes.Equal(mine, hears) || !bytes.Equal(its, says) {
				t.Errorf("%d bytes and %d bytes", len(mine), len(its))
			}
		})
	}
}

func TestRawRefusals(t *testing.T) {
	w := rawWorld(t)
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		switch wish.Key {
		case "unknown":
			return &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound"}
		case "fails":
			return &directory.Refusal{Kind: directory.StartFailed, Reason: "ImagePullBackOff"}
		}
		return errors.New("is not asked")
	})
	for _, c := range []struct {
		name, reason string
		alert        uint8
	}{
		{"nobody.test", "NoRoute", 112},
		{"", "BadHost", 112},
		{"a_b.chess.test", "BadHost", 112},
		{"unknown.chess.test", "NotFound", 112},
		{"fails.chess.test", "StartFailed", 80},
	} {
		t.Run(c.reason+" "+c.name, func(t *testing.T) {
			conn, err := dialRaw(t, w.addr, c.name)
			if err == nil || !strings.Contains(err.Error(), tls.AlertError(c.alert).Error()) {
				t.Errorf("%v", err)
			}
			_ = conn.NetConn().Close()
			if reason := w.ends(); reason != c.reason {
				t.Errorf("the reason is %q", reason)
			}
			if n := w.metric("dormouse_gateway_raw_connections_total", c.reason); n < 1 {
				t.Error("it is not counted")
			}
		})
	}
}

// What is no TLS is told nothing, and has no more time than a client of HTTP for its headers.
func TestRawGarbage(t *testing.T) {
	w := rawWorld(t)
	for _, sent := range []string{"GET / HTTP/1.1\r\nHost: a.chess.test\r\n\r\n", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", strings.Repeat("\x16\x03\x01\x40\x00", 4000)} {
		c, err := net.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(c, sent)
		_ = c.(*net.TCPConn).CloseWrite()
		got, _ := io.ReadAll(c)
		_ = c.Close()
		if reason := w.ends(); reason != "BadHello" || len(got) > 0 {
			t.Errorf("%.20q: %s, and answers %q", sent, reason, got)
		}
	}
}

func TestRawSlowHello(t *testing.T) {
	w := rawWorld(t, func(g *gateway.Gateway, _ *gateway.Server) {
		g.Now = func() time.Time { return time.Now().Add(50*time.Millisecond - 10*time.Second) } // the ten seconds are over soon
	})
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	_, _ = io.WriteString(c, "\x16\x03\x01")
	if got, err := io.ReadAll(c); err != nil || len(got) > 0 {
		t.Errorf("%q: %v", got, err)
	}
	if reason := w.ends(); reason != "BadHello" {
		t.Errorf("the reason is %q", reason)
	}
}

// A client that does not close when its pod has does not keep its session.
func TestRawClientThatForgetsToClose(t *testing.T) {
	w := rawWorld(t, func(g *gateway.Gateway, _ *gateway.Server) { g.Stall = 50 * time.Millisecond })
	w.publish("a", "pod-a", securePod(t, func(c *tls.Conn) { _ = c.Handshake() }), 1)
	mustDialRaw(t, w.addr, "a.chess.test")
	if reason := w.ends(); reason != "" {
		t.Errorf("the reason is %q", reason)
	}
}

// A pod whose port opens late is dialled until then, by one of all who wait.
func TestRawConnectionsWaitForThePort(t *testing.T) {
	w := rawWorld(t)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	w.publish("a", "pod-a", addr, 1)
	all := make(chan error, 20)
	for range 20 {
		go func() {
			_, err := dialRaw(t, w.addr, "a.chess.test")
			all <- err
		}()
	}
	for w.metric("dormouse_gateway_dials_total", "failed") < 25 {
		runtime.Gosched()
	}
	l, err := tls.Listen("tcp", addr, &tls.Config{Certificates: []tls.Certificate{certificate(t)}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go serveRaw(l, echoes)
	for range 20 {
		if err := <-all; err != nil {
			t.Error(err)
		}
	}
	if held := w.metric("dormouse_gateway_held_requests"); held != 0 {
		t.Errorf("%v are still held", held)
	}
}

// A client that goes away while its session wakes is not waited for.
func TestRawClientGoesWhileItWaits(t *testing.T) {
	w := rawWorld(t)
	waits := make(chan struct{})
	w.wakeBy(func(ctx context.Context, _ directory.Wish) error {
		close(waits)
		<-ctx.Done()
		return context.Cause(ctx)
	})
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = tls.Client(c, &tls.Config{ServerName: "a.chess.test"}).Handshake() }()
	<-waits
	_ = c.Close()
	if reason := w.ends(); reason != "ClientGone" {
		t.Errorf("the reason is %q", reason)
	}
}

// A raw connection is an open one: it keeps its session awake where such count, and ends when its pod goes.
func TestRawConnectionIsAnUpgradedVisit(t *testing.T) {
	w := rawWorld(t)
	w.publish("b", "pod-b", securePod(t, echoes), 1)
	c := mustDialRaw(t, w.addr, "b.chess.test")
	w.unpublish("b", 1, false)
	if w.dir.Unsettled() != 1 {
		t.Error("the gateway vouches for a session with an open connection")
	}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Error(err)
	}
	if _, err := io.ReadFull(c, make([]byte, 1)); err != nil {
		t.Error(err)
	}
	w.unpublish("b", 1, true)
	if reason := w.ends(); reason != "Gone" {
		t.Errorf("the reason is %q", reason)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("the connection goes on")
	}
}

func TestRawBounds(t *testing.T) {
	w := rawWorld(t, func(g *gateway.Gateway, _ *gateway.Server) { g.MaxRaw = 1 })
	w.publish("a", "pod-a", securePod(t, echoes), 1)
	mustDialRaw(t, w.addr, "a.chess.test")
	if _, err := dialRaw(t, w.addr, "a.chess.test"); err == nil {
		t.Error("a second connection is taken")
	}
	if reason := w.ends(); reason != "TooManyWaiting" {
		t.Errorf("the reason is %q", reason)
	}
}

// A template of raw TCP has no requests, and one of HTTP no raw connections.
func TestRawAndRequestsNeverMeet(t *testing.T) {
	w := rawWorld(t)
	w.publish("a", "pod-a", securePod(t, echoes), 1)
	res, body := w.get("a", "/")
	wantProblem(t, res, body, 404, answer.ReasonNoRoute)
	w.gateway.Publish([]resolve.Template{chess()})
	if _, err := dialRaw(t, w.addr, "a.chess.test"); err == nil {
		t.Error("a raw connection reaches a pod of HTTP")
	}
}

// A gateway that ends has open connections go on for its time, and then cuts them: that is no failure.
func TestRawConnectionsAtTheEnd(t *testing.T) {
	w := rawWorld(t, func(_ *gateway.Gateway, s *gateway.Server) { s.DrainTimeout = 50 * time.Millisecond })
	w.publish("a", "pod-a", securePod(t, echoes), 1)
	mustDialRaw(t, w.addr, "a.chess.test")
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if reason := w.ends(); reason != "Unavailable" {
		t.Errorf("the reason is %q", reason)
	}
}
