package gateway_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

const stolen = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nstolen"

// desyncs are answers behind which, or in which, there is more than there should be. %s is who asked.
var desyncs = map[string]string{
	"nothing more":          "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%s",
	"another answer":        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%s" + stolen,
	"behind chunks":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n%s\r\n0\r\n\r\n" + stolen,
	"chunks and a length":   "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n%s\r\n0\r\n\r\n",
	"a late 100":            "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%sHTTP/1.1 100 Continue\r\n\r\n",
	"a body behind a 204":   "HTTP/1.1 204 No Content\r\nX-Who: %s\r\nContent-Length: 59\r\n\r\n" + stolen,
	"a body behind a 304":   "HTTP/1.1 304 Not Modified\r\nX-Who: %s\r\nContent-Length: 59\r\n\r\n" + stolen,
	"chunks behind a 204":   "HTTP/1.1 204 No Content\r\nX-Who: %s\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	"a body behind a hint":  "HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%s",
	"a line end":            "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n%s\r\n",
	"an upgrade":            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nX-Who: %s\r\n\r\n" + stolen,
	"a split in the reason": "HTTP/1.1 200 O\rK\r\nContent-Length: 8\r\n\r\n%s",
	"a trailer of a length": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n%s\r\n0\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
	"two lengths in one":    "HTTP/1.1 200 OK\r\nContent-Length: 8, 8\r\n\r\n%s",
	"old, and chunks":       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 8\r\nTransfer-Encoding: chunked\r\n\r\n%s",
}

// 000-18: what a pod says too much is nobody's answer: each of two clients gets its own, or none. HEAD is answered with a body as well.
func TestNobodyGetsTheAnswerOfAnother(t *testing.T) {
	onlyHTTP1(t, "what the pod says is written out")
	if speaks.standard {
		t.Skip("net/http's client looks for what is left beside the next request, and may take it for the answer")
	}
	for name, text := range desyncs {
		t.Run(name, func(t *testing.T) {
			pod := rawPod(t, func(conn net.Conn, _ int) {
				for r := bufio.NewReader(conn); ; {
					req, err := http.ReadRequest(r)
					if err != nil {
						return
					}
					_, _ = io.Copy(io.Discard, req.Body)
					_, _ = fmt.Fprintf(conn, text, req.Header.Get("X-Who"))
				}
			})
			w := newWorld(t, chess())
			w.publish("a", "pod-a", pod, 1)
			var both sync.WaitGroup
			for _, who := range []string{"white", "black"} {
				both.Go(func() { w.asksOften(t, who) })
			}
			both.Wait()
		})
	}
}

// asksOften asks over one connection after the other who it is.
func (w *world) asksOften(t *testing.T, who string) {
	var conn net.Conn
	var from *bufio.Reader
	for i := range 30 {
		if conn == nil {
			var err error
			if conn, err = net.Dial("tcp", w.addr); err != nil {
				t.Error(err)
				return
			}
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			from = bufio.NewReader(conn)
		}
		method, me := []string{"GET", "HEAD", "POST"}[i%3], fmt.Sprintf("%s-%02d", who, i)
		_, _ = fmt.Fprintf(conn, "%s / HTTP/1.1\r\n%s\r\nX-Who: %s\r\nContent-Length: 2\r\n\r\nok", method, host, me)
		res, err := http.ReadResponse(from, &http.Request{Method: method})
		for err == nil && res.StatusCode < 200 {
			res, err = http.ReadResponse(from, &http.Request{Method: method})
		}
		if err != nil {
			_ = conn.Close()
			conn = nil
			continue
		}
		body, _ := io.ReadAll(res.Body)
		if other := strings.TrimSpace(res.Header.Get("X-Who") + string(body)); res.StatusCode < 500 && other != "" && !strings.HasPrefix(other, me) {
			t.Errorf("%s %s got %q", method, me, other)
		}
		if res.Close {
			_ = conn.Close()
			conn = nil
		}
	}
	if conn != nil {
		_ = conn.Close()
	}
}

// A pod that answers before it has read the body gets no other request over that connection, and what the client sends behind is no request either.
func TestAnswerBeforeTheBody(t *testing.T) {
	onlyHTTP1(t, "what the pod says is written out")
	const inside = "GET /stolen HTTP/1.1\r\nHost: a.chess.test\r\n\r\n"
	for name, framing := range map[string][2]string{
		"a length": {fmt.Sprintf("Content-Length: %d\r\n\r\n", len(inside)), inside},
		"chunks":   {fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n", len(inside)), inside + "\r\n0\r\n\r\n"},
	} {
		if speaks.standard && name == "a length" {
			continue // net/http answers when it has read that much
		}
		t.Run(name, func(t *testing.T) {
			heads := make(chan string, 2)
			pod := rawPod(t, func(conn net.Conn, _ int) {
				head := headOf(bufio.NewReader(conn))
				if head == "" {
					return // a dial that took too long
				}
				heads <- head
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly")
				_, _ = io.Copy(io.Discard, conn)
			})
			w := newWorld(t, chess())
			w.publish("a", "pod-a", pod, 1)
			conn, err := net.Dial("tcp", w.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			_, _ = io.WriteString(conn, "POST /one HTTP/1.1\r\n"+host+"\r\n"+framing[0]+framing[1][:20])
			from := bufio.NewReader(conn)
			res, err := http.ReadResponse(from, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(res.Body)
			if speaks.standard {
				if !res.Close || string(body) != "early" {
					t.Errorf("got %q, and it goes on", body)
				}
				return
			}
			_, _ = io.WriteString(conn, framing[1][20:]+"GET /two HTTP/1.1\r\n"+host+"\r\nConnection: close\r\n\r\n")
			last, err := http.ReadResponse(from, nil)
			if err != nil || string(body) != "early" || last.StatusCode != http.StatusOK || !last.Close {
				t.Errorf("got %q and %v, %v", body, last, err)
			}
			if one, two := <-heads, <-heads; !strings.HasPrefix(one, "POST /one ") || !strings.HasPrefix(two, "GET /two ") {
				t.Errorf("the pod got %q and %q", one, two)
			}
		})
	}
}
