package h1_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/h1"
)

// serve starts a server, and gives a way to connect.
func serve(t *testing.T, h http.HandlerFunc, change ...func(*h1.Server)) (dial func() net.Conn, s *h1.Server) {
	t.Helper()
	other := &http.Server{Handler: h, Protocols: &http.Protocols{}, ReadHeaderTimeout: time.Minute}
	other.Protocols.SetHTTP1(true)
	other.Protocols.SetUnencryptedHTTP2(true)
	s = &h1.Server{
		Handler: h, Other: other, HeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHead: 16 << 10, Now: time.Now,
		Fault: func(fault any) { t.Error(fault) },
	}
	for _, f := range change {
		f(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { _ = s.Close() })
	return func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		return c
	}, s
}

// says answers with what the request was.
func says(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s %q %v", r.Method, r.RequestURI, body, r.Trailer)
}

// talk sends text, and gives the answers and what came behind them.
func talk(t *testing.T, c net.Conn, text string, methods ...string) (bodies []string, last *http.Response, end error) {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	from := bufio.NewReader(c)
	for _, m := range methods {
		res, err := http.ReadResponse(from, &http.Request{Method: m})
		if err != nil {
			return bodies, last, err
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			return bodies, last, err
		}
		bodies, last = append(bodies, string(body)), res
	}
	return bodies, last, nil
}

func closed(c net.Conn) bool {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	_, err := c.Read(make([]byte, 1))
	return err != nil && !errors.Is(err, context.DeadlineExceeded)
}

const get = "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"

func TestPipelinedRequestsAreAnsweredInTurn(t *testing.T) {
	dial, _ := serve(t, says)
	const post = "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"
	const chunks = "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\nX-Sum: 1\r\n\r\n"
	bodies, _, err := talk(t, dial(), get+post+"\r\n"+chunks+get, "GET", "POST", "POST", "GET")
	want := []string{`GET /1 "" map[]`, `POST /2 "ok" map[]`, `POST /3 "ok" map[X-Sum:[1]]`, `GET /1 "" map[]`}
	if err != nil || fmt.Sprint(bodies) != fmt.Sprint(want) {
		t.Errorf("got %q, %v", bodies, err)
	}
}

// Nothing of what follows a request that has two meanings is taken for another.
func TestNothingIsSmuggled(t *testing.T) {
	for name, text := range map[string]string{
		"CL.TE":           "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"TE.TE":           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
		"two lengths":     "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n",
		"a chunk of LF":   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
		"a chunk too far": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay\r\n0\r\n\r\n",
		"a chunk's end":   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay0\r\n\r\n",
		"a chunk of less": "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nokay\r\n0\r\n\r\n",
		"a large chunk":   "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff2\r\nok\r\n0\r\n\r\n",
		"extensions":      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", 300) + "\r\no\r\n0\r\n\r\n",
		"LF":              "GET / HTTP/1.1\nHost: a\n\n",
		"HTTP/1.0":        "POST / HTTP/1.0\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			dial, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/1" {
					t.Error("the second request was served")
				}
				says(w, r)
			})
			c := dial()
			_, res, _ := talk(t, c, text+get, "POST")
			if res == nil || res.StatusCode < 400 {
				t.Errorf("got %v", res)
			}
		})
	}
}

func TestWhatIsNotHTTP11IsServedByNetHTTP(t *testing.T) {
	dial, _ := serve(t, says)
	c := dial()
	bodies, res, err := talk(t, c, get+"GET /0 HTTP/1.0\r\n\r\n", "GET", "GET")
	if err != nil || bodies[1] != `GET /0 "" map[]` || !res.Close || !closed(c) {
		t.Errorf("got %q, %v", bodies, err)
	}
	transport := &http.Transport{Protocols: &http.Protocols{}}
	transport.Protocols.SetUnencryptedHTTP2(true)
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+c.RemoteAddr().String()+"/2", nil)
	two, err := transport.RoundTrip(r)
	if err != nil || two.ProtoMajor != 2 {
		t.Fatalf("got %v, %v", two, err)
	}
	_ = two.Body.Close()
	transport.CloseIdleConnections()
}

func TestHeadIsBounded(t *testing.T) {
	dial, _ := serve(t, says)
	large := "GET / HTTP/1.1\r\nHost: a\r\nX: " + strings.Repeat("x", 15<<10) + "\r\n\r\n"
	if _, res, err := talk(t, dial(), large+large, "GET", "GET"); err != nil || res.StatusCode != 200 {
		t.Errorf("got %v, %v", res, err)
	}
	larger := strings.Replace(large, "X: ", "X: "+strings.Repeat("x", 2<<10), 1)
	c := dial()
	if _, res, err := talk(t, c, larger, "GET"); err != nil || res.StatusCode != 431 || !closed(c) {
		t.Errorf("got %v, %v", res, err)
	}
}

// A client that waits to be asked for its body is asked when the body is read.
func TestContinue(t *testing.T) {
	dial, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/no" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		says(w, r)
	})
	ask := func(path string) string {
		return "POST " + path + " HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
	}
	c := dial()
	_, _ = io.WriteString(c, ask("/yes"))
	const want = "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil || string(got) != want {
		t.Fatalf("got %q, %v", got, err)
	}
	if bodies, _, err := talk(t, c, "ok", "POST"); err != nil || bodies[0] != `POST /yes "ok" map[]` {
		t.Errorf("got %q, %v", bodies, err)
	}
	if _, res, err := talk(t, c, ask("/no"), "POST"); err != nil || res.StatusCode != 403 || !res.Close || !closed(c) {
		t.Errorf("got %v, %v", res, err)
	}
}

func TestAnswersOfHandlers(t *testing.T) {
	for name, c := range map[string]struct {
		method string
		h      http.HandlerFunc
	}{
		"nothing":  {"GET", func(http.ResponseWriter, *http.Request) {}},
		"a little": {"GET", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") }},
		"much":     {"GET", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, strings.Repeat("x", 100_000)) }},
		"a length": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "ok")
		}},
		"HEAD": {"HEAD", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "a/b")
			w.Header().Set("Content-Length", "2")
			_, _ = io.WriteString(w, "ok")
		}},
		"no content":   {"GET", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }},
		"not modified": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Etag", "1"); w.WriteHeader(304) }},
		"parts": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			for range 3 {
				_, _ = io.WriteString(w, "x")
				_ = http.NewResponseController(w).Flush()
			}
		}},
		"the last one": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Connection", "close") }},
		"its own date": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil }},
		"a bad value":  {"GET", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", "a\r\nSet-Cookie: b") }},
		"a trailer": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			_, _ = io.WriteString(w, "x")
			w.Header().Set("X-Sum", "1")
		}},
		"a late one": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "x")
			_ = http.NewResponseController(w).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
		}},
		"early hints": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "a")
			w.WriteHeader(103)
			w.WriteHeader(200)
		}},
		"too little": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "3")
			_, _ = io.WriteString(w, "ok")
		}},
		"nothing of a length": {"GET", func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "3") }},
		"an abort": {"GET", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "ok")
			panic(http.ErrAbortHandler)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, _ := serve(t, c.h)
			theirs := &http.Server{Handler: c.h, ReadHeaderTimeout: time.Minute}
			l, _ := net.Listen("tcp", "127.0.0.1:0")
			go func() { _ = theirs.Serve(l) }()
			defer func() { _ = theirs.Close() }()
			other, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			text := c.method + " / HTTP/1.1\r\nHost: a\r\n\r\n"
			if got, want := told(t, ours(), text, c.method), told(t, other, text, c.method); got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// told is an answer as text, without the date.
func told(t *testing.T, c net.Conn, text, method string) string {
	t.Helper()
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	bodies, res, err := talk(t, c, text, method)
	if err != nil {
		return "broken"
	}
	if res.Header.Get("Date") != "" {
		res.Header.Set("Date", "today")
	}
	return fmt.Sprintln(res.StatusCode, res.Header, res.TransferEncoding, res.ContentLength, res.Close, bodies, res.Trailer)
}
