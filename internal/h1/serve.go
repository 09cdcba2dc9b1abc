package h1

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// States of a connection.
const (
	fresh  int32 = iota // nothing has come
	idle                // between two requests
	active              // in the midst of one
)

// slack is how much longer an idle connection may be kept, so that its timer is not set for each request.
const slack = time.Second

// lingering is how long a client may go on sending behind an answer that ends its connection: what it has not read yet is lost otherwise.
const lingering = 500 * time.Millisecond

// serverConn is a client's connection.
type serverConn struct {
	net.Conn
	server *Server
	since  time.Time
	state  atomic.Int32
	gone   sync.Once

	in     reader
	base   *http.Request // that requests are made of
	until  time.Time     // the read deadline that stands, for the next head
	bodied bool          // the request before this one had a body
	given  bool          // it is another's
}

// give is called when another has it.
func (c *serverConn) give() {
	c.given = true
	c.leave()
}

func (c *serverConn) leave() { c.gone.Do(func() { c.server.left(c) }) }

// serve serves one request after the other. A connection that is given away is not closed.
func (c *serverConn) serve() {
	defer func() {
		if fault := recover(); fault != nil && fault != http.ErrAbortHandler { //nolint:errorlint,err113 // the value itself
			c.server.Fault(fault)
		}
		if !c.given {
			_ = c.Conn.Close()
			c.leave()
		}
		c.in.free()
	}()
	c.in = newReader(c.Conn)
	c.base = &http.Request{RemoteAddr: c.RemoteAddr().String()}
	for c.await() {
		text, err := c.readHead()
		if err != nil {
			c.refuse(err)
			return
		}
		t, v := c.turn(text)
		switch v {
		case strange:
			c.hand(text)
			return
		case bad:
			c.say(http.StatusBadRequest)
			return
		}
		if c.take(t); c.given || t.closes {
			return
		}
		c.state.Store(idle)
	}
}

// await waits for the first byte of a request.
func (c *serverConn) await() bool {
	if c.server.stopping.Load() && c.state.Load() == idle {
		return false
	}
	for c.skipEnd(); !c.begun(); c.skipEnd() {
		limit := c.server.IdleTimeout
		if c.state.Load() == fresh {
			limit = c.server.HeaderTimeout
		}
		c.deadline(limit)
		if c.in.more(bufferSize) != nil {
			return false
		}
	}
	c.state.Store(active)
	return true
}

// begun says whether something of a request is there, and not only what may be half a line end.
func (c *serverConn) begun() bool {
	p := c.in.buffered()
	return len(p) > 1 || len(p) == 1 && (p[0] != '\r' || !c.bodied)
}

// skipEnd takes the line end away that old clients send behind a body.
func (c *serverConn) skipEnd() {
	if p := c.in.buffered(); c.bodied && len(p) >= 2 && string(p[:2]) == "\r\n" {
		c.in.r += 2
		c.bodied = false
	}
}

// deadline sets the time by which something must come. One that stands a little later will do: a timer costs more than a look at it.
func (c *serverConn) deadline(limit time.Duration) {
	now := c.server.Now()
	if left := c.until.Sub(now); left >= limit && left <= limit+slack {
		return
	}
	c.until = now.Add(limit)
	if limit == c.server.IdleTimeout {
		c.until = c.until.Add(slack)
	}
	_ = c.SetReadDeadline(c.until)
}

// readHead reads a head of which something has come. If that was not all, there is a time for the rest.
func (c *serverConn) readHead() (string, error) {
	if headEnd(c.in.buffered(), 0) == 0 {
		if left := c.until.Sub(c.server.Now()); left <= 0 || left > c.server.HeaderTimeout {
			c.deadline(c.server.HeaderTimeout)
		}
	}
	return c.in.head(c.server.MaxHead)
}

// turn makes a turn of a head.
func (c *serverConn) turn(text string) (*turn, verdict) {
	t := &turn{conn: c, length: -1}
	t.ctx.Context, t.ctx.of = c.server.ctx, t
	var v verdict
	if t.req, v = parseRequest(text, c.base, &t.ctx); v != good {
		return t, v
	}
	t.body = body{from: &c.in, framing: t.req.framing, left: max(t.req.ContentLength, 0)}
	t.awaited = t.req.expects
	c.bodied = t.req.ContentLength != 0
	if !c.bodied {
		t.body.err, t.ended = io.EOF, true
		t.req.Body = http.NoBody
		return t, good
	}
	t.body.trailer, t.body.extra = t.req.Trailer, t.req.framing == chunked
	if t.body.extra && t.req.Trailer == nil {
		t.body.trailer = http.Header{}
	}
	c.until = time.Time{}
	_ = c.SetReadDeadline(time.Time{})
	t.req.Body = (*requestBody)(t)
	return t, good
}

// take has a request served.
func (c *serverConn) take(t *turn) {
	defer t.ctx.end()
	defer t.settle()
	c.server.Handler.ServeHTTP(t, t.req.Request)
	if c.given {
		return
	}
	t.settle()
	t.closes = !t.finish() || t.closes
	if !t.ended {
		c.until = time.Time{}
		t.closes = t.closes || !t.drain(c.server.Now().Add(c.server.HeaderTimeout))
		if t.closes {
			c.linger()
		}
	}
}

// refuse answers a head that cannot be read.
func (c *serverConn) refuse(err error) {
	if errors.Is(err, errHeadTooLarge) {
		c.say(http.StatusRequestHeaderFieldsTooLarge)
	}
}

// say answers what is no request, as net/http does, and ends the connection.
func (c *serverConn) say(status int) {
	text := strconv.Itoa(status) + " " + http.StatusText(status)
	_ = c.SetWriteDeadline(c.server.Now().Add(lingering))
	_, _ = io.WriteString(c.Conn, "HTTP/1.1 "+text+"\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"+text)
	c.linger()
}

// linger lets the client read what it was sent, though it may still be sending.
func (c *serverConn) linger() {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite()
	}
	_ = c.SetReadDeadline(c.server.Now().Add(lingering))
	_, _ = io.CopyN(io.Discard, c.Conn, 8*mostDrained)
}
