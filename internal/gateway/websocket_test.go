package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// table is a pod that echoes over WebSocket; leave ends it without a goodbye.
func table(t *testing.T, leave <-chan struct{}, bye chan<- websocket.StatusCode) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(rw, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.CloseNow() }()
		c.SetReadLimit(-1)
		ctx, cancel := context.WithCancel(r.Context())
		go func() {
			select {
			case <-leave:
				cancel()
			case <-ctx.Done():
			}
		}()
		for {
			kind, p, err := c.Read(ctx)
			if err != nil {
				bye <- websocket.CloseStatus(err)
				return
			}
			if err := c.Write(ctx, kind, p); err != nil {
				return
			}
		}
	}
}

func (w *world) dialTable() *websocket.Conn {
	w.t.Helper()
	c, _, err := websocket.Dial(w.t.Context(), "ws://a.chess.test/", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", w.addr)
		}}},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	c.SetReadLimit(-1)
	w.t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

func speak(t *testing.T, c *websocket.Conn, p []byte) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageBinary, p); err != nil {
		t.Fatal(err)
	}
	if _, got, err := c.Read(t.Context()); err != nil || !bytes.Equal(got, p) {
		t.Fatalf("%d bytes came back as %d, %v", len(p), len(got), err)
	}
}

func wantClosed(t *testing.T, c *websocket.Conn, code websocket.StatusCode) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, _, err := c.Read(ctx); websocket.CloseStatus(err) != code {
		t.Errorf("closed with %v, want %d", err, code)
	}
}

func wantBye(t *testing.T, bye <-chan websocket.StatusCode, code websocket.StatusCode) {
	t.Helper()
	select {
	case got := <-bye:
		if got != code {
			t.Errorf("the pod was told %d, want %d", got, code)
		}
	case <-time.After(5 * time.Second):
		t.Error("the pod was told nothing")
	}
}

func TestWebSocket(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	leave, bye := make(chan struct{}), make(chan websocket.StatusCode, 1)
	w := awake(t, table(t, leave, bye))
	c := w.dialTable()
	for _, n := range []int{0, 1, 125, 126, 70000, 1 << 20} {
		speak(t, c, bytes.Repeat([]byte("x"), n))
	}
	began := time.Now()
	if err := c.Close(4000, "resign"); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("the goodbye took %v", took)
	}
	wantBye(t, bye, 4000)
}

// 000-02: the upgrade waits for the session to wake.
func TestWebSocketWakes(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	leave, bye := make(chan struct{}), make(chan websocket.StatusCode, 1)
	w := newWorld(t, chess())
	pod := newPod(t, table(t, leave, bye))
	w.wakeBy(func(context.Context, directory.Wish) error { w.publish("a", "pod-a", pod, 1); return nil })
	speak(t, w.dialTable(), []byte("e4"))
}

// A WebSocket ends with 1001 when its session goes, and the pod is told too.
func TestWebSocketEndsWithTheSession(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	leave, bye := make(chan struct{}), make(chan websocket.StatusCode, 1)
	w := awake(t, table(t, leave, bye))
	c := w.dialTable()
	speak(t, c, []byte("e4"))
	w.unpublish("a", 7, true)
	wantClosed(t, c, websocket.StatusGoingAway)
	wantBye(t, bye, websocket.StatusGoingAway)
}

// A WebSocket ends with 1001 when the gateway goes.
func TestWebSocketEndsWithTheGateway(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	leave, bye := make(chan struct{}), make(chan websocket.StatusCode, 1)
	w := awake(t, table(t, leave, bye))
	c := w.dialTable()
	speak(t, c, []byte("e4"))
	stopped := make(chan error, 1)
	go func() { stopped <- w.stop() }()
	wantClosed(t, c, websocket.StatusGoingAway)
	wantBye(t, bye, websocket.StatusGoingAway)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// 1012 says: connect again, the session is there.
func TestWebSocketEndsWithThePod(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	leave, bye := make(chan struct{}), make(chan websocket.StatusCode, 1)
	w := awake(t, table(t, leave, bye))
	c := w.dialTable()
	speak(t, c, []byte("e4"))
	close(leave)
	wantClosed(t, c, websocket.StatusServiceRestart)
}

// A client that takes nothing does not hold up the end of the gateway.
func TestDeafWebSocket(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	flood := func(rw http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(rw, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.CloseNow() }()
		for {
			if err := c.Write(r.Context(), websocket.MessageBinary, make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}
	w := awake(t, flood)
	_ = w.dialTable()
	time.Sleep(100 * time.Millisecond) // buffers fill
	began := time.Now()
	if err := w.stop(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestPodRefusesWebSocket(t *testing.T) {
	w := awake(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusTeapot) })
	res, _ := w.raw("GET / HTTP/1.1", host, "Connection: Upgrade", "Upgrade: websocket")
	if res.StatusCode != http.StatusTeapot {
		t.Errorf("got %s", res.Status)
	}
}
