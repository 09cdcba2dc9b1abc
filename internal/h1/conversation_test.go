package h1

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// client is a client that says this, and hangs up.
type client struct{ script }

func (c *client) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// served are the requests that a client's bytes are taken for, as "line body error", and what it hears. The handler reads so much of each body.
func served(t *testing.T, says io.Reader, most int64) (all []string, answers string) {
	s := &Server{HeaderTimeout: time.Second, IdleTimeout: time.Second, MaxHead: 4 << 10, Now: func() time.Time { return time.Unix(1e9, 0) }}
	s.Fault = func(fault any) { t.Error(fault) }
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		at := len(all)
		all = append(all, r.Method+" "+r.RequestURI+" "+r.Host)
		body, err := io.ReadAll(io.LimitReader(r.Body, most))
		if most == whole {
			all[at] += fmt.Sprintf(" %q %v", body, err != nil)
		}
		_, _ = fmt.Fprint(w, at)
	})
	s.prepare()
	_ = s.handed.Close()
	c := &client{script{says: says}}
	(&serverConn{Conn: c, server: s}).serve()
	return all, c.hear.String()
}

const whole = 1 << 40

// answered checks that a client has heard one answer to each request, in turn, and perhaps a refusal behind them.
func answered(t *testing.T, all []string, answers string) {
	t.Helper()
	from := bufio.NewReader(strings.NewReader(answers))
	for i, req := range all {
		method, _, _ := strings.Cut(req, " ")
		res, err := http.ReadResponse(from, &http.Request{Method: method})
		for err == nil && res.StatusCode == http.StatusContinue {
			res, err = http.ReadResponse(from, &http.Request{Method: method})
		}
		if err != nil {
			t.Fatalf("%q: no answer to %s: %v", answers, req, err)
		}
		if body, _ := io.ReadAll(res.Body); method != http.MethodHead && string(body) != strconv.Itoa(i) {
			t.Fatalf("%q: %s is answered %q", answers, req, body)
		}
	}
	if rest, _ := io.ReadAll(from); len(rest) > 0 && !strings.HasPrefix(string(rest), "HTTP/1.1 4") {
		t.Fatalf("%q: an answer to nothing", answers)
	}
}

// FuzzConversation: what is behind a request is taken for another only where net/http takes it for that too, and it comes to the same in
// whatever pieces it comes.
func FuzzConversation(f *testing.F) {
	for _, c := range heads {
		f.Add(c.text + "5\r\nhello\r\n0\r\n\r\n" + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
		f.Add(c.text + "helloGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	for _, text := range codings {
		f.Add("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + text + "GET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
	}
	f.Add("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nokGET /2 HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nokHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, answers := served(t, strings.NewReader(text), whole)
		answered(t, all, answers)
		pieces, _ := served(t, iotest.OneByteReader(strings.NewReader(text)), whole)
		same(t, "in pieces", pieces, all)
		for _, most := range []int64{0, 3} {
			some, answers := served(t, strings.NewReader(text), most)
			answered(t, some, answers)
			for i := range some {
				if i >= len(all) || !strings.HasPrefix(all[i], some[i]+" ") {
					t.Fatalf("%q: with %d bytes of each body, got %q, want %q", text, most, some, all)
				}
			}
		}
		from, bodied := bufio.NewReader(strings.NewReader(text)), false
		for i, got := range all {
			if p, _ := from.Peek(2); bodied && string(p) == "\r\n" {
				_, _ = from.Discard(2)
			}
			r, err := http.ReadRequest(from)
			if err != nil {
				t.Fatalf("%q: %s, and net/http says %v", text, got, err)
			}
			body, err := io.ReadAll(r.Body)
			want := fmt.Sprintf("%s %s %s %q %v", r.Method, r.RequestURI, r.Host, body, err != nil)
			if refused := strings.HasSuffix(got, " true"); refused && i < len(all)-1 || !refused && got != want {
				t.Fatalf("%q: got %s, want %s", text, got, want)
			}
			bodied = r.ContentLength != 0
		}
	})
}
