package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// replayable are requests that net/http sends a second time over a new connection when a reused one breaks, whatever the server
// has read of the first.
func (w *world) replayable() map[string]*http.Request {
	keyed := w.request(http.MethodPost, "a", "/", nil)
	keyed.Header.Set("Idempotency-Key", "1")
	return map[string]*http.Request{
		"GET":             w.request(http.MethodGet, "a", "/", nil),
		"HEAD":            w.request(http.MethodHead, "a", "/", nil),
		"OPTIONS":         w.request(http.MethodOptions, "a", "/", nil),
		"Idempotency-Key": keyed,
		"POST":            w.request(http.MethodPost, "a", "/", strings.NewReader("move")),
	}
}

// 000-18: a pod that reads a request and hangs up has got it exactly once.
func TestNoReplay(t *testing.T) {
	for name := range newWorld(t, chess()).replayable() {
		t.Run(name, func(t *testing.T) {
			var delivered atomic.Int64
			pod := rawPod(t, func(conn net.Conn, _ int) {
				r := bufio.NewReader(conn)
				for {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					if req.URL.Path == "/warm" { // so that the next one finds a reused connection
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
						continue
					}
					delivered.Add(1)
					return
				}
			})
			w := newWorld(t, chess())
			w.publish("a", "pod-a", pod, 1)
			if res, _ := w.get("a", "/warm"); res.StatusCode != 200 {
				t.Fatalf("got %s", res.Status)
			}
			res, body := w.do(w.replayable()[name])
			doc := wantProblem(t, res, body, 502, answer.ReasonPodDied)
			if name != "HEAD" && doc["outcome"] != "unknown" {
				t.Errorf("problem %v", doc)
			}
			if n := delivered.Load(); n != 1 {
				t.Errorf("delivered %d times", n)
			}
		})
	}
}

// A reused connection that the pod closed while it was idle is found closed, and the request goes over another, with its body.
func TestClosedWhileIdle(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			closed := make(chan struct{}, 1)
			pod := rawPod(t, func(conn net.Conn, _ int) { answerAndHangUp(conn, closed) })
			w := newWorld(t, chess())
			w.publish("a", "pod-a", pod, 1)
			for range 100 {
				var body io.Reader
				want := ""
				if method == http.MethodPost {
					body, want = strings.NewReader("move"), "move"
				}
				res, got := w.do(w.request(method, "a", "/", body))
				if res.StatusCode != 200 || got != want {
					t.Fatalf("got %s %q", res.Status, got)
				}
				<-closed
			}
		})
	}
}

// answerAndHangUp is a pod that closes the connection after its answer, without having said so in it.
func answerAndHangUp(conn net.Conn, closed chan<- struct{}) {
	req, err := http.ReadRequest(bufio.NewReader(conn))
	if err != nil {
		return
	}
	body, _ := io.ReadAll(req.Body)
	res := &http.Response{
		StatusCode: http.StatusOK, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(body)), Body: io.NopCloser(bytes.NewReader(body)),
	}
	_ = res.Write(conn)
	_ = conn.Close()
	closed <- struct{}{}
}

// severed is a connection that breaks before the first byte.
type severed struct{ net.Conn }

func (severed) Write([]byte) (int, error) { return 0, syscall.EPIPE }

// sever makes the first n connections to pods break before the first byte.
func sever(n int64) func(*gateway.Gateway, *gateway.Server) {
	return func(g *gateway.Gateway, _ *gateway.Server) {
		var dialled atomic.Int64
		g.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil && dialled.Add(1) <= n {
				return severed{conn}, nil
			}
			return conn, err
		}
	}
}

// 000-16, 000-18: what no pod got one byte of is sent again, whatever it is, with its whole body; 000-19: not for ever.
func TestOnlyTheUnwrittenIsSentAgain(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 begins with a preface: such a dial has failed")
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		t.Run(method, func(t *testing.T) {
			w := newWorld(t, chess(), sever(2))
			w.publish("a", "pod-a", newPod(t, echo), 1)
			move := strings.Repeat("e4", 10000)
			res, body := w.do(w.request(method, "a", "/", strings.NewReader(move)))
			if res.StatusCode != 200 || !strings.Contains(body, move) {
				t.Errorf("got %s %q", res.Status, body)
			}
			if n := w.metric("dormouse_gateway_resends_total"); n != 2 {
				t.Errorf("sent again %v times", n)
			}
		})
	}
	w := newWorld(t, chess(), sever(100))
	w.publish("a", "pod-a", newPod(t, echo), 1)
	res, body := w.get("a", "/")
	if doc := wantProblem(t, res, body, 502, answer.ReasonPodUnreachable); doc["outcome"] != "not-sent" {
		t.Errorf("problem %v", doc)
	}
	if n := w.metric("dormouse_gateway_dials_total", "opened"); n != 3 {
		t.Errorf("tried %v times", n)
	}
}

// 000-18: a pod that takes the headers and dies has got something: the body is not sent again.
func TestPodDiesInTheBody(t *testing.T) {
	var conns atomic.Int64
	pod := rawPod(t, func(conn net.Conn, _ int) {
		conns.Add(1)
		readHead(conn)
	})
	w := newWorld(t, chess())
	w.publish("a", "pod-a", pod, 1)
	slow, move := io.Pipe()
	go func() {
		for range 100 {
			if _, err := move.Write(make([]byte, 1<<16)); err != nil {
				return
			}
			time.Sleep(time.Millisecond)
		}
		_ = move.Close()
	}()
	res, body := w.do(w.request(http.MethodPut, "a", "/", slow))
	wantProblem(t, res, body, 502, answer.ReasonPodDied)
	if n := conns.Load(); n != 1 {
		t.Errorf("sent %d times", n)
	}
}

// The answer broke off: the client must not take a part for the whole.
func TestAnswerBreaksOff(t *testing.T) {
	pod := rawPod(t, func(conn net.Conn, _ int) {
		readHead(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
	})
	w := newWorld(t, chess())
	w.publish("a", "pod-a", pod, 1)
	res, err := http.DefaultTransport.RoundTrip(w.request("GET", "a", "/", nil))
	if err != nil {
		return // cut before the first part came
	}
	defer func() { _ = res.Body.Close() }()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("got %q as a whole", body)
	}
}

// 004-24: connections are used again, and never for another pod.
func TestConnectionsBelongToOnePod(t *testing.T) {
	w := newWorld(t, chess())
	var conns [2]atomic.Int64
	addr := [2]string{}
	for i := range addr {
		addr[i] = rawPod(t, func(conn net.Conn, _ int) {
			conns[i].Add(1)
			r := bufio.NewReader(conn)
			for {
				if _, err := http.ReadRequest(r); err != nil {
					return
				}
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"+strconv.Itoa(i))
			}
		})
	}
	ask := func(want string) {
		t.Helper()
		for range 5 {
			if _, body := w.get("a", "/"); body != want {
				t.Fatalf("pod %q answered, want %q", body, want)
			}
		}
	}
	w.publish("a", "pod-0", addr[0], 1)
	ask("0")
	w.publish("a", "pod-1", addr[1], 2)
	ask("1")
	w.publish("a", "pod-2", addr[1], 3) // at the address of another pod, which may not be its connection
	ask("1")
	if conns[0].Load() != 1 || conns[1].Load() != 2 {
		t.Errorf("%d and %d connections", conns[0].Load(), conns[1].Load())
	}
}
