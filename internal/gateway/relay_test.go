package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// What is of a connection stays there, on both sides: the headers that are always, and those that Connection lists.
func TestHopByHop(t *testing.T) {
	w := awake(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Proxy-Authenticate", "Basic")
		rw.Header().Set("X-Pod-Hop", "1")
		rw.Header().Set("X-Pod", fmt.Sprint(len(r.Header["X-Hop"]), len(r.Header["Proxy-Authorization"]), r.Header["Te"], r.Header["X-App"]))
		if r.ProtoMajor == 1 {
			rw.Header().Set("Connection", "X-Pod-Hop")
		}
	})
	res, _ := w.raw("GET / HTTP/1.1", host, "Connection: x-hop, keep-alive", "X-Hop: 1", "Proxy-Authorization: Basic x", "TE: trailers", "X-App: a", "x-app: b")
	if got := res.Header.Get("X-Pod"); got != "0 0 [trailers] [a b]" {
		t.Errorf("the pod saw %s", got)
	}
	if h := res.Header; h.Get("Proxy-Authenticate") != "" || !speaks.h2c && h.Get("X-Pod-Hop") != "" {
		t.Errorf("the client got %v", h)
	}
}

// An answer's header reaches the client as the pod wrote it, and nothing of it is lost where there is more than one of a name.
func TestAnswerAsItIs(t *testing.T) {
	onlyHTTP1(t, "what the pod says is written out")
	pod := rawPod(t, func(conn net.Conn, _ int) {
		readHead(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 299 Fine\r\nvary: a\r\nVary: b\r\nSet-Cookie: c=1\r\nDate: then\r\nContent-Length: 2\r\n\r\nok")
	})
	w := newWorld(t, chess())
	w.publish("a", "pod-a", pod, 1)
	res, body := w.raw("GET / HTTP/1.1", host)
	if res.StatusCode != 299 || body != "ok" || fmt.Sprint(res.Header["Vary"], res.Header["Date"], res.Header["Set-Cookie"]) != "[a b] [then] [c=1]" {
		t.Errorf("got %s %v %q", res.Status, res.Header, body)
	}
}

// A pod may speak while the client does, and early; hints come through, and a 100 is the gateway's own.
func TestEarlyHints(t *testing.T) {
	onlyHTTP1(t, "what the pod says is written out")
	pod := rawPod(t, func(conn net.Conn, _ int) {
		readHead(conn)
		_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	})
	w := newWorld(t, chess())
	w.publish("a", "pod-a", pod, 1)
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\n"+host+"\r\nConnection: close\r\n\r\n")
	all, _ := io.ReadAll(bufio.NewReader(conn))
	if got := string(all); !strings.Contains(got, "103 Early Hints\r\nLink: a\r\n") || strings.Count(got, "Link") != 1 || !strings.Contains(got, "HTTP/1.1 200 OK") {
		t.Errorf("got %q", got)
	}
}
