package h1

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// heads are requests that could be read in two ways, or have been by somebody, and what becomes of them.
var heads = map[string]struct {
	text string
	want verdict
}{
	"plain":                          {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", good},
	"chunked":                        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", good},
	"a length":                       {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", good},
	"CL.TE":                          {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
	"TE.CL":                          {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", bad},
	"a length of zero and TE":        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
	"TE in HTTP/1.0":                 {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", bad},
	"two lengths":                    {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", bad},
	"two lengths that are the same":  {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", bad},
	"two lengths in HTTP/1.0":        {"POST / HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", bad},
	"a list of lengths":              {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\n", bad},
	"a length with a sign":           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\n", bad},
	"a negative length":              {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n", bad},
	"a hexadecimal length":           {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0x5\r\n\r\n", bad},
	"a length that is too large":     {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", bad},
	"an empty length":                {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length:\r\n\r\n", bad},
	"TE twice":                       {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", strange},
	"TE that is a list":              {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", strange},
	"TE with a tab":                  {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding:\tchunked\r\n\r\n", good},
	"TE with a vertical tab":         {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \vchunked\r\n\r\n", bad},
	"TE that is not chunked":         {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n", strange},
	"white space before the colon":   {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n", bad},
	"a field that goes on":           {"POST / HTTP/1.1\r\nHost: a\r\nX: a\r\n Transfer-Encoding: chunked\r\n\r\n", bad},
	"white space before the fields":  {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", bad},
	"a line that ends with LF":       {"GET / HTTP/1.1\nHost: a\r\n\r\n", bad},
	"a head that ends with LF":       {"GET / HTTP/1.1\r\nHost: a\n\n", bad},
	"a field that ends with CR":      {"GET / HTTP/1.1\r\nHost: a\r\nX: a\rContent-Length: 5\r\n\r\n", bad},
	"a zero byte":                    {"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n\r\n", bad},
	"a name with a zero byte":        {"GET / HTTP/1.1\r\nHost: a\r\nX\x00: a\r\n\r\n", bad},
	"a field without a name":         {"GET / HTTP/1.1\r\nHost: a\r\n: a\r\n\r\n", bad},
	"a field without a colon":        {"GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n", bad},
	"no Host":                        {"GET / HTTP/1.1\r\nX: a\r\n\r\n", bad},
	"two Hosts":                      {"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", bad},
	"Host with white space":          {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", bad},
	"Host with a slash":              {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", bad},
	"white space in the target":      {"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", strange},
	"two spaces":                     {"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", strange},
	"a tab in the request line":      {"GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", strange},
	"a control character in a path":  {"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", bad},
	"no version":                     {"GET /\r\nHost: a\r\n\r\n", strange},
	"another version":                {"GET / HTTP/1.2\r\nHost: a\r\n\r\n", strange},
	"HTTP/1.0":                       {"GET / HTTP/1.0\r\n\r\n", strange},
	"HTTP/2":                         {"PRI * HTTP/2.0\r\n\r\n", strange},
	"CONNECT":                        {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", strange},
	"a method that is none":          {"G(T / HTTP/1.1\r\nHost: a\r\n\r\n", strange},
	"100-continue":                   {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-Continue\r\n\r\n", good},
	"an expectation":                 {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: more\r\n\r\n", strange},
	"a trailer that says the length": {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n", bad},
}

func verdictOf(text string) (arrived, verdict) {
	return parseRequest(text, &http.Request{}, context.Background())
}

func TestHeadsThatCouldBeReadInTwoWays(t *testing.T) {
	for name, c := range heads {
		if _, got := verdictOf(c.text); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

// FuzzRequest: what net/http refuses is refused, and what is taken means the same.
func FuzzRequest(f *testing.F) {
	for _, c := range heads {
		f.Add(c.text)
	}
	f.Add("GET /a%2fb?q=%zz&x HTTP/1.1\r\nHost: [::1]:80\r\nCookie: a=1\r\ncookie: b=2\r\nConnection: keep-alive, close\r\n\r\n")
	f.Add("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("GET http://b/c HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("GET //b/c? HTTP/1.1\r\nHost: a\r\n\r\n")
	f.Add("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, x-other\r\n\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		if headEnd([]byte(text), 0) != len(text) {
			return
		}
		got, v := verdictOf(text)
		if v != good {
			return
		}
		want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text)))
		if err != nil {
			t.Fatalf("%q is taken, and net/http says %v", text, err)
		}
		delete(want.Header, "Host")
		same(t, "method", got.Method, want.Method)
		same(t, "target", got.RequestURI, want.RequestURI)
		same(t, "URL", *got.URL, *want.URL)
		same(t, "host", got.Host, want.Host)
		same(t, "length", got.ContentLength, want.ContentLength)
		same(t, "close", got.Close, want.Close)
		same(t, "coding", got.TransferEncoding, want.TransferEncoding)
		same(t, "trailer", got.Trailer, want.Trailer)
		if want.Header.Get("Pragma") != "no-cache" { // to which net/http adds another field
			same(t, "header", got.Header, want.Header)
		}
	})
}

// A head of line ends costs no more memory than a good one of its length: it is refused at the first of them.
func TestRoomForFields(t *testing.T) {
	text := "GET / HTTP/1.1\r\n" + strings.Repeat("a\n", 14<<10) + "\r\n"
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, v := verdictOf(text)
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; v != bad || cost > 64<<10 {
		t.Errorf("verdict %d for %d bytes", v, cost)
	}
	var many strings.Builder
	for i := range 3 * mostExpected {
		fmt.Fprintf(&many, "X-%d: %d\r\nX-Same: %d\r\n", i, i, i)
	}
	a, v := verdictOf("GET / HTTP/1.1\r\nHost: a\r\n" + many.String() + "\r\n")
	if v != good || len(a.Header) != 3*mostExpected+1 || len(a.Header["X-Same"]) != 3*mostExpected {
		t.Fatalf("verdict %d, %d names", v, len(a.Header))
	}
	for i := range 3 * mostExpected {
		same(t, "a field", a.Header[fmt.Sprint("X-", i)], []string{strconv.Itoa(i)})
	}
}
