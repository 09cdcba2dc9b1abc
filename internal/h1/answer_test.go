package h1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s is %#v, want %#v", what, got, want)
	}
}

// script is the other end of a connection, that says this whatever it hears.
type script struct {
	net.Conn
	says io.Reader
	hear bytes.Buffer
}

func (s *script) Read(p []byte) (int, error)       { return s.says.Read(p) }
func (s *script) Write(p []byte) (int, error)      { return s.hear.Write(p) }
func (s *script) SetDeadline(time.Time) error      { return nil }
func (s *script) SetReadDeadline(time.Time) error  { return nil }
func (s *script) SetWriteDeadline(time.Time) error { return nil }
func (s *script) Close() error                     { return nil }

func conversation(answer string) (*Conn, *script) {
	s := &script{says: strings.NewReader(answer)}
	c := NewConn(s, 64<<10, func() time.Time { return time.Time{} })
	_ = c.Reserve()
	return c, s
}

// answers are what pods say, and whether the connection is good for another request then.
var answers = map[string]struct {
	text, body string
	reusable   bool
}{
	"a length":             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", true},
	"no body":              {"HTTP/1.1 204 No Content\r\n\r\n", "", true},
	"not modified":         {"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "", true},
	"chunks":               {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\n\r\n", "ok", true},
	"chunks and a length":  {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "ok", true},
	"the same length":      {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", "ok", true},
	"lines that end so":    {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", "ok", true},
	"no reason":            {"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", "ok", true},
	"to the end":           {"HTTP/1.1 200 OK\r\n\r\nok", "ok", false},
	"HTTP/1.0":             {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", false},
	"the last one":         {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: x, Close\r\n\r\nok", "ok", false},
	"more than the answer": {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\n", "ok", false},
	"one before":           {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", true},
	"many before":          {strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", MostInformed) + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "ok", true},
}

func TestAnswers(t *testing.T) {
	for name, c := range answers {
		t.Run(name, func(t *testing.T) {
			conn, _ := conversation(c.text)
			res, err := conn.Send(t.Context(), &Request{Method: "GET"})
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(res.Body)
			same(t, "body", string(body), c.body)
			same(t, "error", err, nil)
			same(t, "available", conn.Available() == 1, c.reusable)
		})
	}
}

// An answer that switches protocols has the connection for a body, and no length that Response.Write would take for an end of it.
func TestSwitchedProtocols(t *testing.T) {
	conn, s := conversation("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\nhello")
	res, err := conn.Send(t.Context(), &Request{Method: "GET"})
	if err != nil {
		t.Fatal(err)
	}
	both := res.Body.(io.ReadWriteCloser)
	early, err := io.ReadAll(both)
	same(t, "early", string(early), "hello")
	same(t, "error", err, nil)
	s.hear.Reset()
	_, _ = io.WriteString(both, "bye")
	same(t, "heard", s.hear.String(), "bye")
	same(t, "length", res.ContentLength, int64(0))
	same(t, "available", conn.Available(), 0)
}

func TestAnswersThatAreNone(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                 "",
		"another protocol":        "SSH-2.0\r\n\r\n",
		"another version":         "HTTP/2.0 200 OK\r\n\r\n",
		"no status":               "HTTP/1.1 OK\r\n\r\n",
		"half a head":             "HTTP/1.1 200 OK\r\nX",
		"two lengths":             "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
		"a strange coding":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"a field that goes on":    "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n",
		"a carriage return in it": "HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n\r\n",
		"too many before it":      strings.Repeat("HTTP/1.1 102 Processing\r\n\r\n", MostInformed) + "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
		"too much":                "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := conversation(text)
			res, err := conn.Send(t.Context(), &Request{Method: "GET"})
			if err == nil {
				t.Fatalf("got %s", res.Status)
			}
			if conn.Err() == nil {
				t.Error("it is used again")
			}
		})
	}
}

func TestBodiesThatBreakOff(t *testing.T) {
	for name, text := range map[string]string{
		"a length":        "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
		"a chunk":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nok",
		"chunks":          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
		"the last chunk":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
		"a chunk with LF": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
		"too long":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nokay0\r\n\r\n",
		"no size":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\nok\r\n0\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, _ := conversation(text)
			res, err := conn.Send(t.Context(), &Request{Method: "GET"})
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(res.Body); err == nil || errors.Is(err, io.EOF) {
				t.Errorf("got %q as a whole", body)
			}
			if conn.Available() == 1 {
				t.Error("it is used again")
			}
		})
	}
}

func TestWhatIsSent(t *testing.T) {
	conn, s := conversation("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	q := &Request{Method: "POST", Body: strings.NewReader("move"), Length: -1, Trailer: http.Header{"X-Sum": {"1"}}}
	q.Head, _ = AppendRequestLine(nil, "POST", "/a?b=c")
	q.Head = AppendField(q.Head, "X-App", "a\r\nX-Evil: b")
	if _, err := conn.Send(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	q.Wait()
	const want = "POST /a?b=c HTTP/1.1\r\nX-App: a  X-Evil: b\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n" +
		"4\r\nmove\r\n0\r\nX-Sum: 1\r\n\r\n"
	same(t, "request", s.hear.String(), want)
	if _, ok := AppendRequestLine(nil, "GET", "/a HTTP/1.1"); ok {
		t.Error("a target is two")
	}
}

// FuzzAnswer: what net/http refuses is refused, and what is taken means the same.
func FuzzAnswer(f *testing.F) {
	for _, c := range answers {
		f.Add(c.text, false)
	}
	f.Add("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", true)
	f.Add("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n", false)
	f.Fuzz(func(t *testing.T, text string, head bool) {
		method := http.MethodGet
		if head {
			method = http.MethodHead
		}
		if strings.HasPrefix(text, "HTTP/1.1 1") || strings.HasPrefix(text, "HTTP/1.0 1") {
			return // of which ReadResponse makes an answer, and Send none
		}
		conn, _ := conversation(text)
		res, err := conn.Send(t.Context(), &Request{Method: method})
		if err != nil {
			return
		}
		got, err := io.ReadAll(res.Body)
		from := bufio.NewReader(strings.NewReader(text))
		other, otherErr := http.ReadResponse(from, &http.Request{Method: method})
		if otherErr != nil {
			t.Fatalf("%q is taken, and net/http says %v", text, otherErr)
		}
		want, otherErr := io.ReadAll(other.Body)
		same(t, "status", res.StatusCode, other.StatusCode)
		if err != nil {
			return
		}
		if otherErr != nil {
			t.Fatalf("%q is a whole body, and net/http says %v", text, otherErr)
		}
		same(t, "body", string(got), string(want))
		if conn.Available() == 1 && (from.Buffered() > 0 || other.Close) {
			t.Errorf("%q: it is used again, with %d bytes left", text, from.Buffered())
		}
	})
}
