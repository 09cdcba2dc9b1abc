package h1

import (
	"bufio"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// codings are bodies in chunks.
var codings = []string{
	"2\r\nok\r\n0\r\n\r\n", "2;a=\"b\"\r\nok\r\n0\r\n\r\n", "2 \t\r\nok\r\n0 \r\n\r\n", "2 ;a\r\nok\r\n0\r\n\r\n", "2; a\r\nok\r\n0\r\n\r\n", "002\r\nok\r\n000\r\n\r\n", "A\r\n0123456789\r\n0\r\n\r\n",
	"+2\r\nok\r\n0\r\n\r\n", "0x2\r\nok\r\n0\r\n\r\n", "2\nok\r\n0\r\n\r\n", "2\r\nok\n0\r\n\r\n", "2\r\nok\r\n0\r\n\n", "2\r\nok\r\n0\r\nX: a\n\r\n", " 2\r\nok\r\n0\r\n\r\n", "2\r\r\nok\r\n0\r\n\r\n",
	"2;\x00\r\nok\r\n0\r\n\r\n", "2;a\rb\r\nok\r\n0\r\n\r\n", "2\r\nok\r\n0\r\nX: a\r\nContent-Length: 9\r\n\r\n", "2\r\nok\r\n0\r\n X: a\r\n\r\n", "2\r\nok\r\n0\r\nX : a\r\n\r\n", "fffffffffffffffff\r\nok\r\n0\r\n\r\n",
	"2\r\nok\r\n0\r\nX: a\r\n\r\nGET / HTTP/1.1\r\n", "2\r\nok\r\n\r\n0\r\n\r\n", "2\r\nok0\r\n\r\n", "\r\n2\r\nok\r\n0\r\n\r\n", "2\r\nok\r\n0\r\n\r\r\n", "2\r\nok\r\n0\r\n\r\n\r\n", "2,\r\nok\r\n0\r\n\r\n",
}

// FuzzChunks: a body that net/http refuses is refused, however it comes in, and what is behind one that is taken stays there.
func FuzzChunks(f *testing.F) {
	for _, text := range codings {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		const head = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
		from := bufio.NewReader(strings.NewReader(head + text))
		r, err := http.ReadRequest(from)
		if err != nil {
			t.Fatal(err)
		}
		want, wantErr := io.ReadAll(r.Body)
		rest, _ := io.ReadAll(from)
		for _, src := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			in := newReader(src)
			b := body{from: &in, framing: chunked, extra: true, trailer: http.Header{}}
			got, err := readWhole(&b)
			if err != nil {
				continue
			}
			if wantErr != nil {
				t.Fatalf("%q is a whole body, and net/http says %v", text, wantErr)
			}
			behind, _ := io.ReadAll(&in)
			same(t, "body", got, string(want))
			same(t, "what is behind it", string(behind), string(rest))
		}
	})
}

func readWhole(b *body) (string, error) {
	var all []byte
	for p := make([]byte, 7); ; {
		n, err := b.read(p)
		if all = append(all, p[:n]...); errors.Is(err, io.EOF) {
			return string(all), nil
		} else if err != nil {
			return "", err
		}
	}
}
