package h1

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// frame finds out where the answer ends.
func (x *exchange) frame(method string) error {
	h, res := x.res.Header, &x.res
	n, err := length(h, true)
	coded, codingErr := takeChunked(h)
	if err := errors.Join(err, codingErr); err != nil {
		return err
	}
	x.closes = x.closes || res.Close
	x.body = body{from: &x.conn.in, framing: sized, left: max(n, 0)}
	res.ContentLength = n
	switch {
	case !answersWithBody(method, res.StatusCode):
		x.body.err, res.ContentLength = io.EOF, max(n, 0)
	case coded && res.ProtoMinor == 1:
		delete(h, "Content-Length")
		return x.frameChunks()
	case n < 0:
		x.body.framing, x.closes = ending, true
	case n == 0:
		x.body.err = io.EOF
	}
	return nil
}

// answersWithBody says whether an answer may have a body.
func answersWithBody(method string, status int) bool {
	return method != http.MethodHead && status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}

func (x *exchange) frameChunks() (err error) {
	x.body.framing, x.body.left, x.res.ContentLength = chunked, 0, -1
	x.res.Trailer, err = takeTrailers(x.res.Header, true)
	x.body.trailer, x.body.extra = x.res.Trailer, true
	if x.body.trailer == nil {
		x.body.trailer = http.Header{}
	}
	return err
}

// parseAnswer parses the head of an answer.
func parseAnswer(text string) (res http.Response, err error) {
	first, rest, err := line(text, true)
	if err != nil {
		return res, err
	}
	proto, status, _ := strings.Cut(first, " ")
	status = strings.TrimLeft(status, " ")
	code, _, _ := strings.Cut(status, " ")
	n, err := parseLength(code)
	if len(code) != 3 || err != nil || n < 100 || !isOne(proto) {
		return res, fmt.Errorf("%w: %.40q", errStatus, first)
	}
	res.Proto, res.ProtoMajor, res.ProtoMinor = proto, 1, int(proto[7]-'0')
	res.Status, res.StatusCode = status, int(n)
	if res.Header, err = parseFields(rest, true); err != nil {
		return res, err
	}
	connection := res.Header["Connection"]
	res.Close = has(connection, "close") || res.ProtoMinor == 0 && !has(connection, "keep-alive")
	return res, nil
}

func isOne(proto string) bool { return proto == "HTTP/1.1" || proto == "HTTP/1.0" }

// answer is the body of an answer.
type answer exchange

// Read reads a part of the body.
func (a *answer) Read(p []byte) (int, error) {
	x := (*exchange)(a)
	if x.over {
		return 0, x.body.err
	}
	n, err := x.body.read(p)
	for n == 0 && err != nil && x.again(err) {
		n, err = x.body.read(p)
	}
	return n, a.note(n, err)
}

// note says what became of a read.
func (a *answer) note(n int, err error) error {
	x := (*exchange)(a)
	switch {
	case err == nil:
		return nil
	case x.body.whole():
		if x.res.Trailer == nil && len(x.body.trailer) > 0 {
			x.res.Trailer = x.body.trailer
		}
		x.finish()
		return err
	case n > 0 && isTimeout(err):
		return nil // it comes again
	}
	x.conn.spoil(err)
	x.body.err = x.fault(err)
	x.end()
	return x.body.err
}

// Ready says whether Read has something without waiting.
func (a *answer) Ready() bool { return (*exchange)(a).over || a.body.ready() }

// Close gives up what is left of the body, and with it the connection.
func (a *answer) Close() error {
	x := (*exchange)(a)
	if !x.over {
		x.end()
		x.body.err = http.ErrBodyReadAfterClose
		return x.conn.Close()
	}
	return nil
}

// switched makes a tunnel of the connection.
func (x *exchange) switched() {
	x.end()
	x.conn.spoil(ErrBusy)
	_ = x.conn.SetDeadline(time.Time{})
	x.res.Body = &tunnel{x.conn}
}

// tunnel is a connection on which nobody speaks HTTP any more.
type tunnel struct{ c *Conn }

// Read reads what the other end said, behind its answer at first.
func (t *tunnel) Read(p []byte) (int, error) { return t.c.in.Read(p) }

// Write writes.
func (t *tunnel) Write(p []byte) (int, error) { return t.c.Conn.Write(p) }

// Close closes the connection.
func (t *tunnel) Close() error { return t.c.Conn.Close() }
