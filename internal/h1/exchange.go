package h1

import (
	"context"
	"errors"
	"net/http"
	"os"
	"time"
)

// exchange is one request and its answer.
type exchange struct {
	conn    *Conn
	ctx     context.Context
	watched bool
	unwatch func() bool
	upload  *upload // nil: there is no body
	res     http.Response
	body    body
	closes  bool // the connection takes nothing after this
	over    bool
}

// arm gives the exchange some time in which nobody looks at its context.
func (x *exchange) arm() {
	_ = x.conn.SetDeadline(x.conn.Now().Add(patience))
}

// watch has the end of the context end what waits for the connection.
func (x *exchange) watch() error {
	x.watched = true
	_ = x.conn.SetDeadline(time.Time{})
	x.unwatch = context.AfterFunc(x.ctx, func() { _ = x.conn.SetDeadline(time.Unix(1, 0)) })
	return x.ctx.Err()
}

// again says whether what met an error may be tried once more: it was only the end of our patience.
func (x *exchange) again(err error) bool {
	return isTimeout(err) && !x.watched && x.watch() == nil && x.upload.cause() == nil
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func (x *exchange) write(p []byte) error {
	for {
		n, err := x.conn.Conn.Write(p)
		if err == nil {
			return nil
		}
		if p = p[n:]; !x.again(err) {
			return err
		}
	}
}

func (x *exchange) send(q *Request) (*http.Response, error) {
	if err := x.ctx.Err(); err != nil {
		return nil, err
	}
	head := q.Head
	switch {
	case q.Body != nil && q.Length < 0:
		head = append(head, "Transfer-Encoding: chunked\r\n"...)
		head = appendTrailerNames(head, q.Trailer)
	case q.Body != nil || q.Length > 0:
		head = appendLength(head, q.Length)
	case bodied(q.Method):
		head = appendLength(head, 0)
	}
	q.Head = append(head, "\r\n"...)
	if err := x.write(q.Head); err != nil {
		return nil, err
	}
	x.upload.begin()
	return x.receive(q)
}

// bodied says of a method whether a request without a body says that it has none.
func bodied(method string) bool {
	return method == http.MethodPost || method == http.MethodPut || method == http.MethodPatch
}

// MostInformed is how many answers before the answer there may be. Who works for long says so every 20 s (102, RFC 2518 section 10.1), for more than five
// hours; hints come once, or some times. Who says more never comes to an end.
const MostInformed = 1000

// ErrInformed is an answer with more before it.
var ErrInformed = errors.New("too many answers before the answer")

// receive reads heads up to that of the answer.
func (x *exchange) receive(q *Request) (*http.Response, error) {
	for n := 0; ; n++ {
		if err := x.readHead(q.Method); err != nil {
			return nil, err
		}
		status := x.res.StatusCode
		if status >= 200 || status == http.StatusSwitchingProtocols {
			break
		}
		if n == MostInformed {
			return nil, ErrInformed
		}
		if status == http.StatusContinue {
			x.upload.proceed(true)
		} else if q.Informed != nil {
			q.Informed(status, x.res.Header)
		}
	}
	x.upload.proceed(false)
	if x.res.StatusCode == http.StatusSwitchingProtocols {
		x.switched()
		return &x.res, nil
	}
	x.res.Body = (*answer)(x)
	if x.body.err != nil { // there is none
		x.finish()
	}
	return &x.res, nil
}

func (x *exchange) readHead(method string) error {
	var text string
	for {
		var err error
		text, err = x.conn.in.head(x.conn.MaxHead)
		if err == nil {
			break
		}
		if !x.again(err) {
			return err
		}
	}
	res, err := parseAnswer(text)
	if err != nil {
		return err
	}
	x.res = res
	return x.frame(method)
}

// fault is the error that a caller gets: where several things went wrong, the first of them.
func (x *exchange) fault(err error) error {
	if cause := x.upload.cause(); cause != nil {
		return cause
	}
	if cause := context.Cause(x.ctx); cause != nil {
		return cause
	}
	return err
}

// finish is called when the answer was read whole.
func (x *exchange) finish() {
	if x.over {
		return
	}
	clean := !x.closes && len(x.conn.in.buffered()) == 0 && x.upload.sent()
	x.end()
	if !clean {
		x.conn.spoil(ErrBusy)
		return
	}
	x.conn.free()
}

// end takes the context's hands off the connection.
func (x *exchange) end() {
	x.over = true
	if x.unwatch != nil && !x.unwatch() { // it has ended
		x.conn.spoil(x.ctx.Err())
	}
}
