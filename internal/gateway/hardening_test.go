package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

const host = "Host: a.chess.test"

func TestRefusedBeforeAnySession(t *testing.T) {
	w := awake(t, echo)
	for _, tt := range []struct {
		name   string
		lines  []string
		status int
		reason answer.Reason
	}{
		{"CONNECT", []string{"CONNECT a.chess.test:80 HTTP/1.1", host}, 405, answer.ReasonMethodNotAllowed},
		{"TRACE", []string{"TRACE / HTTP/1.1", host}, 405, answer.ReasonMethodNotAllowed},
		{"underscore, comma, dot at the end", []string{"GET / HTTP/1.1", "Host: KEY_1,x.chess.test.:80"}, 400, answer.ReasonBadHost},
		{"dot at the end", []string{"GET / HTTP/1.1", "Host: a.chess.test."}, 400, answer.ReasonBadHost},
		{"empty port", []string{"GET / HTTP/1.1", "Host: a.chess.test:"}, 400, answer.ReasonBadHost},
		{"port too large", []string{"GET / HTTP/1.1", "Host: a.chess.test:65536"}, 400, answer.ReasonBadHost},
		{"empty host", []string{"GET / HTTP/1.1", "Host: "}, 400, answer.ReasonBadHost},
		{"HTTP/1.0 without Host", []string{"GET / HTTP/1.0"}, 400, answer.ReasonBadHost},
		{"absolute-form, another Host", []string{"GET http://a.chess.test/ HTTP/1.1", "Host: b.chess.test"}, 400, answer.ReasonBadTarget},
		{"absolute-form", []string{"GET http://a.chess.test/ HTTP/1.1", host}, 400, answer.ReasonBadTarget},
		{"fragment", []string{"GET /a#b HTTP/1.1", host}, 400, answer.ReasonBadTarget},
		{"no route", []string{"GET / HTTP/1.1", "Host: a.draughts.test"}, 404, answer.ReasonNoRoute},
		{"no label for the key", []string{"GET / HTTP/1.1", "Host: chess.test"}, 404, answer.ReasonNoRoute},
		{"two labels for the key", []string{"GET / HTTP/1.1", "Host: a.b.chess.test"}, 404, answer.ReasonNoRoute},
		{"ours, and nothing there", []string{"GET /.well-known/dormouse/x HTTP/1.1", host}, 404, answer.ReasonNoRoute},
		{"key rejected", []string{"GET /chess/%00/ HTTP/1.1", "Host: test"}, 404, answer.ReasonKeyRejected},
		{"dot segment as key", []string{"GET /chess/../x HTTP/1.1", "Host: test"}, 400, answer.ReasonBadKey},
		{"encoded dot segment as key", []string{"GET /chess/%2e%2E/x HTTP/1.1", "Host: test"}, 400, answer.ReasonBadKey},
		{"encoded slash in key", []string{"GET /chess/a%2fb/x HTTP/1.1", "Host: test"}, 400, answer.ReasonBadKey},
		{"no UTF-8 in key", []string{"GET /chess/%ff/x HTTP/1.1", "Host: test"}, 400, answer.ReasonBadKey},
		{"two headers with a key", []string{"GET / HTTP/1.1", "Host: test", "X-Chess-Table: a", "X-Chess-Table: b"}, 400, answer.ReasonBadKey},
	} {
		t.Run(tt.name, func(t *testing.T) {
			res, body := w.raw(tt.lines...)
			wantProblem(t, res, body, tt.status, tt.reason)
			if (res.Header.Get("Allow") != "") != (tt.status == 405) {
				t.Errorf("Allow is %q", res.Header.Get("Allow"))
			}
		})
	}
}

func TestTrustedHeadersAreOurs(t *testing.T) {
	w := awake(t, echo)
	got := w.pod("GET / HTTP/1.1", host, "Connection: Session-Key, X-Forwarded-For",
		"X_Gw_Key: evil", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-User: root",
		"X-Forwarded-Prefix: /evil", "X-Original-URL: /admin", "X-Envoy-Original-Path: /", "True-Client-IP: 6.6.6.6",
		"session-key: evil", "SESSION-EPOCH: 99", "Session-Tenant: root", "Dormouse-Wake: no", "dormouse-x: y",
		"X-App: mine", "Accept-Encoding: zstd", "Cookie: c=1")
	want := http.Header{
		"Session-Key": {"a"}, "Session-Epoch": {"7"}, "X-Forwarded-For": {"127.0.0.1"}, "X-Forwarded-Host": {"a.chess.test"},
		"X-Forwarded-Proto": {"http"}, "X-App": {"mine"}, "Accept-Encoding": {"zstd"}, "Cookie": {"c=1"},
	}
	for name := range got.Header {
		if fmt.Sprint(got.Header[name]) != fmt.Sprint(want[name]) {
			t.Errorf("the pod saw %s: %q, want %q", name, got.Header[name], want[name])
		}
	}
	if len(got.Header) != len(want) {
		t.Errorf("the pod saw %v, want %v", got.Header, want)
	}
}

func TestOtherUpgradesAreStripped(t *testing.T) {
	w := awake(t, echo)
	for _, lines := range [][]string{
		{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"},
		{"Connection: close", "HTTP2-Settings: AAMAAABkAAQAAP__"},
		{"Connection: Upgrade", "Upgrade: TLS/1.0"},
		{"Connection: Upgrade", "Upgrade: websocket, h2c"},
		{"Connection: Upgrade", "Upgrade: \xe2\x98\x83"},
	} {
		got := w.pod(append([]string{"GET / HTTP/1.1", host}, lines...)...)
		for _, name := range []string{"Connection", "Upgrade", "Http2-Settings"} {
			if v := got.Header[name]; v != nil {
				t.Errorf("%q: the pod saw %s: %q", lines, name, v)
			}
		}
	}
}

func TestPodCannotUpgradeUnasked(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	w := awake(t, func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusSwitchingProtocols) })
	res, body := w.get("a", "/")
	wantProblem(t, res, body, 502, answer.ReasonBadAnswer)
}

func TestPodCannotSpeakForTheGateway(t *testing.T) {
	w := awake(t, func(rw http.ResponseWriter, _ *http.Request) { rw.Header().Set("Dormouse-Reason", "Gone") })
	if res, _ := w.get("a", "/"); res.Header.Get("Dormouse-Reason") != "" {
		t.Error("the pod's Dormouse-Reason came through")
	}
}

func TestMalformedAnswerIsThePodsFault(t *testing.T) {
	pod := rawPod(t, func(conn net.Conn, _ int) {
		readHead(conn)
		_, _ = io.WriteString(conn, "SSH-2.0-OpenSSH_9.9\r\n\r\n")
	})
	w := newWorld(t, chess())
	w.publish("a", "pod-a", pod, 1)
	res, body := w.get("a", "/")
	wantProblem(t, res, body, 502, answer.ReasonBadAnswer)
}

func TestMalformedBodyIsTheClientsFault(t *testing.T) {
	w := awake(t, echo)
	res, body := w.raw("POST / HTTP/1.1", host, "Transfer-Encoding: chunked", "", "zz", "abc")
	wantProblem(t, res, body, 400, answer.ReasonBadBody)
}

func TestSlowBodyIsCutOff(t *testing.T) {
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) { g.Stall = 50 * time.Millisecond })
	w.publish("a", "pod-a", newPod(t, echo), 1)
	res, body := w.raw("POST / HTTP/1.1", host, "Content-Length: 10", "", "abc")
	wantProblem(t, res, body, 408, answer.ReasonSlowBody)
}

func TestClientThatTakesNothingIsCutOff(t *testing.T) {
	ended := make(chan struct{})
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) { g.Stall = 50 * time.Millisecond })
	w.publish("a", "pod-a", newPod(t, func(rw http.ResponseWriter, _ *http.Request) {
		defer close(ended)
		for {
			if _, err := rw.Write(make([]byte, 1<<20)); err != nil {
				return
			}
		}
	}), 1)
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\n%s\r\n\r\n", host)
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the pod still writes")
	}
}

func TestSlowAnswerIsNotCutOff(t *testing.T) {
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) { g.Stall = 250 * time.Millisecond })
	w.publish("a", "pod-a", newPod(t, func(rw http.ResponseWriter, _ *http.Request) {
		for range 10 {
			_, _ = io.WriteString(rw, "x")
			_ = http.NewResponseController(rw).Flush()
			time.Sleep(50 * time.Millisecond)
		}
	}), 1)
	if _, body := w.get("a", "/"); body != "xxxxxxxxxx" {
		t.Errorf("got %q", body)
	}
}

func TestSlowApplicationIsNotCutOff(t *testing.T) {
	slow := func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		time.Sleep(200 * time.Millisecond)
		_, _ = io.WriteString(w, "done")
	}
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) { g.Stall = 50 * time.Millisecond })
	w.publish("a", "pod-a", newPod(t, slow), 1)
	for range 2 { // the second over the same connection
		res, body := w.do(w.request("POST", "a", "/", strings.NewReader("move")))
		if res.StatusCode != 200 || body != "done" {
			t.Errorf("got %d %q", res.StatusCode, body)
		}
	}
}

func TestHeaderBytesAreBounded(t *testing.T) {
	w := awake(t, echo)
	w.pod("GET / HTTP/1.1", host, "X-Large: "+strings.Repeat("x", 27<<10))
	res, _ := w.raw("GET / HTTP/1.1", host, "X-Large: "+strings.Repeat("x", 33<<10))
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s", res.Status)
	}
}

// rawPod is a pod that speaks as the test wants. conn is the how-manieth connection.
func rawPod(t testing.TB, talk func(conn net.Conn, n int)) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = conn.Close() }()
				talk(conn, n)
			}()
		}
	}()
	return l.Addr().String()
}

// readHead reads up to the end of a request's headers.
func readHead(conn net.Conn) {
	_, _ = http.ReadRequest(bufio.NewReader(conn))
}
