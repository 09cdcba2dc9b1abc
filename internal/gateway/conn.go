package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"syscall"
	"time"
)

// maxAnswerHeader bounds the headers of a pod's answer, in bytes.
const maxAnswerHeader = 256 << 10

// podConn is a connection to a pod that knows whether anything was written to it, which is the proof that a request may be sent
// again, and whether the pod broke it.
type podConn struct {
	net.Conn
	written atomic.Int64
	broken  atomic.Bool
	talks   bool // the pod may say something at any time, as it may in HTTP/2
}

// Read notes an end that is not our own doing.
func (c *podConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.note(err)
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
	if err != nil && !errors.Is(err, net.ErrClosed) {
		c.broken.Store(true)
	}
}

// hungUp looks whether the pod has closed the connection, without waiting for the reader of it to find out.
func (c *podConn) hungUp() bool {
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true
	}
	open := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		open = errors.Is(err, syscall.EAGAIN) || c.talks && n > 0
	})
	return err != nil || !open
}

// link is a podConn that speaks HTTP: HTTP/1.1 for one request at a time, or HTTP/2 for many. It sends nothing twice: that is
// what http.Transport does where it owns the connections, so here it does not.
type link struct {
	http *http.ClientConn
	conn *podConn
	pod  *pod
	h2c  bool
	uses int         // of one that speaks HTTP/2, by requests; the pod's lock holds it
	rest *time.Timer // ends the link when it was idle for long
}

// newLink gives a link for one request at first.
func newLink(ctx context.Context, p *pod, raw net.Conn, h2c bool) (*link, error) {
	conn := &podConn{Conn: raw, talks: h2c}
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
