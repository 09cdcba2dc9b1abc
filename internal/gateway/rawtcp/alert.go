package rawtcp

import (
	"net"
	"time"
)

// Alerts of TLS, RFC 8446 section 6.
const (
	AlertInternalError    = 80
	AlertUnrecognizedName = 112
	AlertAccessDenied     = 49
)

// Refuse tells the client in an alert of TLS that it is refused, and waits until that is read, or the time is over.
func Refuse(c net.Conn, alert byte, until time.Time) {
	_ = c.SetDeadline(until)
	if _, err := c.Write([]byte{0x15, 3, 3, 0, 2, 2, alert}); err != nil || closeWrite(c) != nil {
		return
	}
	var some [512]byte
	for {
		if _, err := c.Read(some[:]); err != nil {
			return
		}
	}
}
