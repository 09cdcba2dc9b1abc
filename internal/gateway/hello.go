package gateway

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strings"
)

// maxHello is how many bytes a client may send until its ClientHello is complete. The large ones, with post-quantum keys, have some 2,000.
const maxHello = 16 << 10

// errHeard ends the reading of a ClientHello: it is complete.
var errHeard = errors.New("the ClientHello is complete")

// hello is how a TLS connection begins.
type hello struct {
	host string // the server name, in lower case; empty: there is none, or it is no host name
	sent []byte // all that the client has sent so far
}

// readHello reads a ClientHello and nothing of what follows it. It answers nothing. An error means that no ClientHello came.
func readHello(ctx context.Context, from net.Conn) (hello, error) {
	tape := &tape{Conn: from, from: io.LimitReader(from, maxHello)}
	var name string
	err := tls.Server(tape, &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetConfigForClient: func(h *tls.ClientHelloInfo) (*tls.Config, error) {
			name = h.ServerName
			return nil, errHeard
		},
	}).HandshakeContext(ctx)
	h := hello{sent: tape.heard.Bytes()}
	if !errors.Is(err, errHeard) {
		return h, err
	}
	if host, ok := parseHost(name); ok && !strings.ContainsAny(name, ":[") {
		h.host = host
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
