package h1

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// patience is how long a request waits for its answer until its context is looked at: a goroutine that waits for the context costs
	// more than most requests.
	patience = 20 * time.Millisecond
	// continueAfter is how long a request that expects 100-continue waits for it.
	continueAfter = time.Second
)

// ErrBusy is a Conn that takes no request now, or none any more.
var ErrBusy = errors.New("h1: the connection takes no request")

// Conn is a client's connection, for one request at a time: Reserve, Send, and read the answer's body up to its end. It begins nothing on its own,
// and while it is idle nobody reads it. Only Close and Err may be called while it is used. What it reads with a deadline, it reads with deadlines of its own.
type Conn struct {
	net.Conn
	// MaxHead bounds the head of an answer, in bytes.
	MaxHead int
	// Now is the clock.
	Now func() time.Time

	in reader

	mu       sync.Mutex
	reserved bool
	done     error // why it takes no request any more
}

// NewConn speaks HTTP/1.1 as a client over c.
func NewConn(c net.Conn, maxHead int, now func() time.Time) *Conn {
	conn := &Conn{Conn: c, MaxHead: maxHead, Now: now}
	conn.in = newReader(c)
	return conn
}

// Reserve takes the connection for a request. It does not look whether the other end has closed it.
func (c *Conn) Reserve() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done != nil {
		return c.done
	}
	if c.reserved {
		return ErrBusy
	}
	c.reserved = true
	return nil
}

// Release gives a reservation back that was not used.
func (c *Conn) Release() { c.free() }

func (c *Conn) free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reserved = false
}

// Available is how many requests the connection takes: one, or zero.
func (c *Conn) Available() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reserved || c.done != nil {
		return 0
	}
	return 1
}

// Err is why the connection takes no request any more; nil: it does.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}

// Close ends the connection.
func (c *Conn) Close() error {
	c.spoil(net.ErrClosed)
	return c.Conn.Close()
}

func (c *Conn) spoil(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = err
	}
}

// Request is what goes over a Conn.
type Request struct {
	// Head is the request line and the fields, without those that say how long the message is, and without the empty line. It is
	// not used any more when Send returns.
	Head []byte
	// Method decides whether the answer has a body.
	Method string
	// Body is what follows; nil: nothing. It is read in a goroutine of its own, until Wait returns.
	Body io.Reader
	// Length is how long Body is; -1: until it ends.
	Length int64
	// Trailer is what follows a Body without a length. Its values are looked at when Body has ended.
	Trailer http.Header
	// Expects is whether Body waits for a 100-continue.
	Expects bool
	// Informed gets the answers before the answer, but no 100; nil: nobody does.
	Informed func(status int, h http.Header)

	upload *upload
}

// Wait waits until nobody reads Body any more. Whoever wants that soon closes Body and the Conn before.
func (q *Request) Wait() {
	if q.upload != nil && q.upload.began {
		<-q.upload.over
	}
}

// Sending says whether Body may still be read.
func (q *Request) Sending() bool {
	if q.upload == nil || !q.upload.began {
		return false
	}
	select {
	case <-q.upload.over:
		return false
	default:
		return true
	}
}

// Send sends a request and gives the head of its answer. The connection must be reserved, and is free when the answer's body was read
// to its end. After an error, and after a body that was not read whole, it takes no other request.
func (c *Conn) Send(ctx context.Context, q *Request) (*http.Response, error) {
	x := &exchange{conn: c, ctx: ctx}
	x.arm()
	if q.Body != nil {
		q.upload = newUpload(x, q)
		x.upload = q.upload
	}
	res, err := x.send(q)
	if err != nil {
		c.spoil(fmt.Errorf("h1: a request failed: %w", err))
		err = x.fault(err)
		x.end()
		return nil, err
	}
	return res, nil
}
