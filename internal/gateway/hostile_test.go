package gateway_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// A client of HTTP/2 may send a Host beside its authority: the pod gets one, and it is the one that the route was found by.
func TestPodGetsOneHost(t *testing.T) {
	for name, extra := range map[string][2]string{"the short way": {"x-app", "1"}, "the way of httputil": {"grpc-timeout", "1S"}} {
		t.Run(name, func(t *testing.T) {
			heads := make(chan string, 1)
			pod := rawPod(t, func(conn net.Conn, _ int) {
				heads <- headOf(bufio.NewReader(conn))
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			})
			w := newWorld(t, chess())
			w.publishAs(false, "a", "pod-a", pod, 1)
			f := w.newer()
			asksNewer(f, extra, [2]string{"host", "evil.test"})
			head := <-heads
			if !strings.Contains(head, "\r\nHost: a.chess.test\r\n") || strings.Contains(head, "evil.test") {
				t.Errorf("the pod got %q", head)
			}
		})
	}
}

// headOf reads a head as it is.
func headOf(r *bufio.Reader) (head string) {
	for !strings.HasSuffix(head, "\r\n\r\n") {
		line, err := r.ReadString('\n')
		if err != nil {
			return head
		}
		head += line
	}
	return head
}

// newer is a connection of HTTP/2 to the gateway.
func (w *world) newer() *http2.Framer {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, http2.ClientPreface)
	f := http2.NewFramer(conn, conn)
	_ = f.WriteSettings()
	return f
}

// asksNewer sends a GET with these headers over HTTP/2.
func asksNewer(f *http2.Framer, headers ...[2]string) {
	var block bytes.Buffer
	enc := hpack.NewEncoder(&block)
	for _, h := range append([][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "a.chess.test"}, {":path", "/"}}, headers...) {
		_ = enc.WriteField(hpack.HeaderField{Name: h[0], Value: h[1]})
	}
	_ = f.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes(), EndHeaders: true, EndStream: true})
}

// What Connection lists is dropped, in whatever case and line, but nothing that the gateway says itself.
func TestConnectionTakesNothingOfOurs(t *testing.T) {
	onlyHTTP1(t, "there is no Connection in HTTP/2")
	w := awake(t, echo)
	s := w.pod("GET / HTTP/1.1", host, "Connection: close, x-ONE ,Cookie", "connection: X-Two, Host, Session-Key, X-Forwarded-For, Content-Length",
		"X-One: 1", "X-Two: 2", "X-Three: 3", "Cookie: a=b", "Session-Key: b")
	h := s.Header
	if s.Host != "a.chess.test" || h.Get("Session-Key") != "a" || h.Get("X-Forwarded-For") != "127.0.0.1" || h.Get("X-Three") != "3" {
		t.Errorf("the pod got %v", s)
	}
	if h.Get("X-One")+h.Get("X-Two")+h.Get("Cookie") != "" {
		t.Errorf("the pod got %v", h)
	}
}

// BenchmarkLongConnection is the dearest head that a client can send: half of it is names, and half a list of them. 250 ms when each name was looked for
// in the list.
func BenchmarkLongConnection(b *testing.B) {
	w := awake(b, func(http.ResponseWriter, *http.Request) {})
	lines := []string{"GET / HTTP/1.1", host, "Connection: keep-alive" + strings.Repeat(",a", 6900)}
	for i := range 2300 {
		lines = append(lines, fmt.Sprintf("%03x:", i))
	}
	for b.Loop() {
		if res, _ := w.raw(lines...); res.StatusCode != http.StatusOK {
			b.Fatal(res.Status)
		}
	}
}
