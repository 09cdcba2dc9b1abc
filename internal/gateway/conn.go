package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/dormouse-dev/dormouse/internal/h1"
)

// maxAnswerHeader bounds the headers of a pod's answer, in bytes.
const maxAnswerHeader = 256 << 10

// podConn is a connection to a pod that knows whether anything was written to it, which is the proof that a request may be sent
// again, and whether the pod broke it.
type podConn struct {
	net.Conn
	written   atomic.Int64
	broken    atomic.Bool
	look      *look
	*greeting // in HTTP/2; nil: the pod says nothing but answers
}

// Read notes an end that is not our own doing.
func (c *podConn) Read(p []byte) (int, error) {
	c.heard(false)
	n, err := c.Conn.Read(p)
	c.note(err)
	c.heard(err != nil)
	return n, err
}

// Write counts what may have reached the pod.
func (c *podConn) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.written.Add(int64(n))
	c.note(err)
	return n, err
}

func (c *podConn) note(err error) {
	if err != nil && !errors.Is(err, net.ErrClosed) && !errors.Is(err, os.ErrDeadlineExceeded) {
		c.broken.Store(true)
	}
}

// hungUp looks whether the pod has closed the connection, or said what nobody asked for, without waiting for a reader to find out.
func (c *podConn) hungUp() bool {
	if c.look == nil {
		c.look = newLook(c.Conn, c.greeting != nil)
	}
	return c.look.closed()
}

// link is a podConn that speaks HTTP: HTTP/1.1 for one request at a time, or HTTP/2 for many. It sends nothing twice: that is
// what http.Transport does where it owns the connections, so here it does not.
type link struct {
	http speaker
	h1   *h1.Conn // the speaker, if it is one of HTTP/1.1
	conn *podConn
	pod  *pod
	h2c  bool
	uses int         // of one that speaks HTTP/2, by requests; the pod's lock holds it
	rest *time.Timer // ends the link when it was idle for long

	// Of one that speaks HTTP/1.1; the pod's lock holds them.
	since   time.Time // when it became idle
	resting bool      // the timer runs
}

// speaker is a connection that is reserved for each request: an *http.ClientConn, or an *h1.Conn.
type speaker interface {
	http.RoundTripper
	Reserve() error
	Release()
	Available() int
	Err() error
	Close() error
}

// newLink gives a link for one request at first.
func newLink(ctx context.Context, p *pod, raw net.Conn, h2c bool) (*link, error) {
	if h2c || p.standard {
		return newStandardLink(ctx, p, raw, h2c)
	}
	conn := &podConn{Conn: raw}
	speaks := h1.NewConn(conn, maxAnswerHeader, p.now)
	p.join()
	return &link{http: speaks, h1: speaks, conn: conn, pod: p, uses: 1}, speaks.Reserve()
}

// newStandardLink is newLink with net/http.
func newStandardLink(ctx context.Context, p *pod, raw net.Conn, h2c bool) (*link, error) {
	conn := &podConn{Conn: raw}
	if h2c {
		conn.greeting = &greeting{over: make(chan struct{})}
	}
	protocols := &http.Protocols{}
	protocols.SetHTTP1(!h2c)
	protocols.SetUnencryptedHTTP2(h2c)
	t := &http.Transport{
		DialContext:            func(context.Context, string, string) (net.Conn, error) { return conn, nil },
		Protocols:              protocols,
		DisableCompression:     true,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
	cc, err := t.NewClientConn(ctx, "http", p.uid+":80")
	if err == nil {
		conn.await()
	}
	if err == nil {
		err = cc.Reserve()
	}
	if err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("speak HTTP to pod %s: %w", p.uid, err)
	}
	p.join()
	return &link{http: cc, conn: conn, pod: p, h2c: h2c, uses: 1}, nil
}

// usable says whether an idle link is still one, and reserves it.
func (l *link) usable() bool {
	return !l.conn.hungUp() && l.http.Reserve() == nil
}

// close ends the link, whatever goes on there.
func (l *link) close() {
	_ = l.http.Close()
}
