package rawtcp

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// MaxHello is how many bytes a client may send until its ClientHello is complete. The large ones, with post-quantum keys, have some 2,000.
const MaxHello = 16 << 10

// errHeard ends the reading of a ClientHello: it is complete.
var errHeard = errors.New("the ClientHello is complete")

// Hello is how a TLS connection begins.
type Hello struct {
	Host string // the server name, in lower case; empty: there is none, or it is no host name
	Sent []byte // all that the client has sent so far
}

// ReadHello reads a ClientHello and nothing of what follows it. It answers nothing. An error means that no ClientHello came.
func ReadHello(ctx context.Context, from net.Conn) (Hello, error) {
	tape := &tape{Conn: from, from: io.LimitReader(from, MaxHello)}
	var name string
	err := tls.Server(tape, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			name = h.ServerName
			return nil, errHeard
		},
	}).HandshakeContext(ctx)
	h := Hello{Sent: tape.heard.Bytes()}
	if !errors.Is(err, errHeard) {
		return h, err
	}
	if host, ok := front.ParseHost(name); ok && !strings.ContainsAny(name, ":[") {
		h.Host = host
	}
	return h, nil
}

// tape is a connection that keeps what is read, and writes nothing.
type tape struct {
	net.Conn
	from  io.Reader
	heard bytes.Buffer
}

// Read reads and keeps.
func (t *tape) Read(p []byte) (int, error) {
	n, err := t.from.Read(p)
	t.heard.Write(p[:n])
	return n, err
}

// Write drops the alert of a ClientHello that is refused: ours follows.
func (t *tape) Write(p []byte) (int, error) { return len(p), nil }

// Close is called when the context ends, and ends the reading.
func (t *tape) Close() error { return t.SetReadDeadline(longAgo) }
