package rawtcp

import (
	"errors"
	"io"
	"net"
	"os"
	"time"
)

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// Client is the client of a raw connection, and what it has sent that the pod does not have yet.
type Client struct {
	net.Conn
	Sent []byte
	// Plain says that it need not speak TLS: it may end its half before it has an answer.
	Plain bool
}

// Attend reads what the client sends while it waits, MaxHello bytes in all at most, so that one that goes away is noticed. Of TLS, it may not close
// its half of the connection before it has an answer: no client does. What it returns ends that, and must be called.
func (c *Client) Attend(gone func()) (stop func()) {
	done := make(chan struct{})
	_ = c.SetReadDeadline(time.Time{})
	go func() {
		defer close(done)
		var some [512]byte
		for len(c.Sent) < MaxHello {
			n, err := c.Read(some[:])
			c.Sent = append(c.Sent, some[:n]...)
			if errors.Is(err, os.ErrDeadlineExceeded) {
				return
			}
			if c.Plain && errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				gone()
				return
			}
		}
	}()
	return func() {
		_ = c.SetReadDeadline(longAgo)
		<-done
		_ = c.SetReadDeadline(time.Time{})
	}
}
