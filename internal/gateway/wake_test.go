package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// 000-02, 000-03: many callers of a sleeping session are all answered by the one pod that starts, though its port opens late.
func TestManyCallersOneWake(t *testing.T) {
	w := newWorld(t, chess())
	var served, calls atomic.Int64
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // the address is known before the port is open
	woken := make(chan struct{})
	want := directory.Wish{ID: id("a"), Template: "chess", Key: "a", Create: true, IdleAfter: time.Minute, Client: netip.MustParseAddr("127.0.0.1")}
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		if wish != want {
			t.Errorf("wish %+v, want %+v", wish, want)
		}
		if calls.Add(1) == 50 { // all wait
			w.publish("a", "pod-a", addr, 1)
			time.AfterFunc(100*time.Millisecond, func() { listenLate(t, addr, &served) })
			close(woken)
		}
		<-woken
		return nil
	})
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			res, body := w.get("a", "/")
			if res.StatusCode != 200 || body != "move" {
				t.Errorf("got %s %q", res.Status, body)
			}
			wantTimed(t, res, true)
		})
	}
	callers.Wait()
	if served.Load() != 50 {
		t.Errorf("%d were served", served.Load())
	}
	res, _ := w.get("a", "/")
	wantTimed(t, res, false)
}

// wantTimed checks that the answer says how long it waited, if it did.
func wantTimed(t *testing.T, res *http.Response, waited bool) {
	t.Helper()
	if got := res.Header.Get("Server-Timing"); strings.HasPrefix(got, "wake;dur=") != waited {
		t.Errorf("waited: %v, Server-Timing is %q", waited, got)
	}
}

func listenLate(t *testing.T, addr string, served *atomic.Int64) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Error(err)
		return
	}
	s := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		served.Add(1)
		_, _ = io.WriteString(w, "move")
	})}
	t.Cleanup(func() { _ = s.Close() })
	go func() { _ = s.Serve(l) }()
}

// 000-15, 000-20, 004-17: the look-up is right before the stop. The caller is served by the next pod.
func TestUnpublishedBetweenLookUpAndDial(t *testing.T) {
	w := newWorld(t, chess())
	w.publish("a", "pod-1", closedPort(t), 1)
	time.AfterFunc(50*time.Millisecond, func() { w.unpublish("a", 1, true) })
	pod := newPod(t, func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "epoch 2") })
	w.wakeBy(func(context.Context, directory.Wish) error {
		w.publish("a", "pod-2", pod, 2)
		return nil
	})
	if res, body := w.get("a", "/"); res.StatusCode != 200 || body != "epoch 2" {
		t.Errorf("got %s %q", res.Status, body)
	}
}

// 000-16: the pod has stopped and is still in the directory. Dials are refused until that hears of it; the caller waits.
func TestStoppedButStillPublished(t *testing.T) {
	w := newWorld(t, chess())
	addr := closedPort(t)
	w.publish("a", "pod-1", addr, 1)
	pod := newPod(t, echo)
	time.AfterFunc(50*time.Millisecond, func() { w.publish("a", "pod-2", pod, 2) })
	if res, _ := w.get("a", "/"); res.StatusCode != 200 {
		t.Errorf("got %s", res.Status)
	}
}

// 000-19, 000-20: a session that comes and goes for ever is given up, whatever the time-out.
func TestRoundsAreBounded(t *testing.T) {
	w := newWorld(t, chess())
	w.wakeBy(func(context.Context, directory.Wish) error { return nil })
	res, body := w.get("a", "/")
	wantProblem(t, res, body, 503, answer.ReasonUnsettled)
	if w.wakes.Load() > 10 {
		t.Errorf("woken %d times", w.wakes.Load())
	}
}

func closedPort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func wakeTimeout(d time.Duration) func(*resolve.Template) {
	return func(t *resolve.Template) { t.WakeTimeout = d }
}

func TestNotInTime(t *testing.T) {
	w := newWorld(t, chess(wakeTimeout(50*time.Millisecond)))
	w.wakeBy(func(ctx context.Context, _ directory.Wish) error { <-ctx.Done(); return ctx.Err() })
	res, body := w.get("a", "/")
	doc := wantProblem(t, res, body, 504, answer.ReasonWakeTimeout)
	if doc["outcome"] != "not-sent" || res.Header.Get("Server-Timing") == "" {
		t.Errorf("%v %v", doc, res.Header)
	}
	w.publish("b", "pod-b", closedPort(t), 1)
	res, body = w.get("b", "/")
	wantProblem(t, res, body, 504, answer.ReasonWakeTimeout)
}

// 000-60, 000-65: what waits is bounded, for one key and in all, and whoever is too many is told so at once.
func TestWaitingIsBounded(t *testing.T) {
	for _, tt := range []struct {
		name, limit string
		keys        []string
		max, all    int
	}{
		{"for one key", "wake.maxHeld", []string{"a", "a", "a", "a"}, 3, 100},
		{"in all", "gateway.maxHeld", []string{"a", "b", "c", "d"}, 3, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, chess(func(t *resolve.Template) { t.MaxHeld = tt.max }),
				func(g *gateway.Gateway, _ *gateway.Server) { g.MaxHeld = tt.all })
			held := make(chan struct{}, 4)
			done := make(chan struct{})
			w.wakeBy(func(ctx context.Context, _ directory.Wish) error {
				held <- struct{}{}
				select {
				case <-done:
				case <-ctx.Done():
				}
				return &directory.Refusal{Kind: directory.Gone}
			})
			var callers sync.WaitGroup
			for _, k := range tt.keys[:3] {
				callers.Go(func() {
					res, body := w.get(k, "/")
					wantProblem(t, res, body, 410, answer.ReasonGone)
				})
			}
			for range 3 {
				<-held
			}
			res, body := w.get(tt.keys[3], "/")
			doc := wantProblem(t, res, body, 503, answer.ReasonTooManyWaiting)
			if doc["limit"] != tt.limit || res.Header.Get("Retry-After") != "1" {
				t.Errorf("%v, Retry-After %q", doc, res.Header.Get("Retry-After"))
			}
			close(done)
			callers.Wait()
			if n := w.metric("dormouse_gateway_held_requests"); n != 0 {
				t.Errorf("%v are still held", n)
			}
		})
	}
}

// A pod that is awake takes more new connections at once than may wait for one that is not.
func TestAwakeIsNotHeld(t *testing.T) {
	w := newWorld(t, chess(func(t *resolve.Template) { t.MaxHeld = 1 }), func(g *gateway.Gateway, _ *gateway.Server) {
		g.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(context.WithoutCancel(ctx), network, address) // a busy machine may be late with a connection
		}
	})
	gate := make(chan struct{})
	var in atomic.Int64
	w.publish("a", "pod-a", newPod(t, func(_ http.ResponseWriter, r *http.Request) {
		if in.Add(1) == 30 {
			close(gate)
		}
		select {
		case <-gate:
		case <-r.Context().Done():
		case <-time.After(5 * time.Second):
		}
	}), 1)
	var callers sync.WaitGroup
	for range 30 {
		callers.Go(func() {
			if res, body := w.get("a", "/"); res.StatusCode != 200 {
				t.Errorf("got %s %s", res.Status, body)
			}
		})
	}
	callers.Wait()
}

// The body of a request that waits is not read, and its client is not told to go on.
func TestBodyIsNotReadWhileHeld(t *testing.T) {
	w := newWorld(t, chess())
	release := make(chan struct{})
	pod := newPod(t, echo)
	w.wakeBy(func(context.Context, directory.Wish) error { <-release; w.publish("a", "pod-a", pod, 1); return nil })
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "POST / HTTP/1.1\r\n%s\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", host)
	_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	buf := make([]byte, 100)
	if n, err := conn.Read(buf); err == nil {
		t.Fatalf("was told %q while it was held", buf[:n])
	}
	close(release)
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(buf); err != nil || !strings.HasPrefix(string(buf[:n]), "HTTP/1.1 100 ") {
		t.Errorf("got %q, %v", buf[:n], err)
	}
}

func TestClientGoneWhileHeld(t *testing.T) {
	w := newWorld(t, chess())
	ended := make(chan error, 1)
	held := make(chan struct{})
	w.wakeBy(func(ctx context.Context, _ directory.Wish) error {
		close(held)
		<-ctx.Done()
		ended <- ctx.Err()
		return ctx.Err()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-held; cancel() }()
	if _, err := http.DefaultTransport.RoundTrip(w.request("GET", "a", "/", nil).WithContext(ctx)); err == nil {
		t.Error("got an answer")
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the wake ended with %v", err)
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	if n := w.metric("dormouse_gateway_requests_total", "4xx", "ClientGone"); n != 1 {
		t.Errorf("%v clients have gone", n)
	}
}

// 004-04: a look that wakes nothing.
func TestQuietRequestsDoNotWake(t *testing.T) {
	w := newWorld(t, chess())
	for _, tt := range []struct {
		line, header string
		status       int
	}{
		{"GET / HTTP/1.1", "Dormouse-Wake: no", 503},
		{"POST / HTTP/1.1", "Dormouse-Wake: NO", 503},
		{"GET /favicon.ico HTTP/1.1", "X: y", 404},
		{"HEAD /robots.txt?x HTTP/1.1", "X: y", 404},
	} {
		res, body := w.raw(tt.line, host, tt.header)
		if res.StatusCode != tt.status || res.Header.Get("Dormouse-Reason") != string(answer.ReasonNotWoken) {
			t.Errorf("%s: %s %s", tt.line, res.Status, body)
		}
	}
	if n := w.wakes.Load(); n != 0 {
		t.Errorf("woken %d times", n)
	}
	w.publish("a", "pod-a", newPod(t, echo), 1)
	if got := w.pod("GET /favicon.ico HTTP/1.1", host); got.URI != "/favicon.ico" {
		t.Errorf("awake: %v", got)
	}
	if res, _ := w.raw("POST /robots.txt HTTP/1.1", "Host: b.chess.test", "Content-Length: 0"); res.StatusCode != 404 || w.wakes.Load() != 1 {
		t.Errorf("a POST: %s, woken %d times", res.Status, w.wakes.Load())
	}
}

// Who waited in vain is told what the last attempt to reach the pod met.
func TestWakeTimeoutSaysWhyThePodWasNotReached(t *testing.T) {
	w := newWorld(t, chess(func(t *resolve.Template) { t.WakeTimeout = 200 * time.Millisecond }))
	w.publish("a", "pod-a", "127.0.0.1:1", 1)
	res, body := w.get("a", "/")
	doc := wantProblem(t, res, body, 504, answer.ReasonWakeTimeout)
	if detail, _ := doc["detail"].(string); !strings.Contains(detail, "connection refused") {
		t.Errorf("problem %v", doc)
	}
}
