package rawtcp

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// said is a connection of a client that says that, and nothing more.
type said struct {
	net.Conn
	io.Reader
}

func (s said) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func (said) SetReadDeadline(time.Time) error { return nil }

// written keeps what a client of TLS says first.
type written struct {
	net.Conn
	bytes.Buffer
}

func (w *written) Write(p []byte) (int, error) { return w.Buffer.Write(p) }
func (*written) Read([]byte) (int, error)      { return 0, io.EOF }
func (*written) Close() error                  { return nil }

// helloOf is a ClientHello with a server name.
func helloOf(name string) []byte {
	w := &written{}
	_ = tls.Client(w, &tls.Config{ServerName: name, InsecureSkipVerify: true}).Handshake()
	return w.Bytes()
}

func TestHelloInPieces(t *testing.T) {
	all := helloOf("Key.Chess.test")
	whole := append(bytes.Clone(all), "and more"...)
	h, err := ReadHello(context.Background(), said{Reader: io.MultiReader(bytes.NewReader(whole[:3]), bytes.NewReader(whole[3:50]), bytes.NewReader(whole[50:]))})
	if err != nil || h.Host != "key.chess.test" || !bytes.HasPrefix(whole, h.Sent) || len(h.Sent) < len(all) {
		t.Errorf("%q, %d bytes of %d: %v", h.Host, len(h.Sent), len(all), err)
	}
	// one record of it for each ten bytes, as a client may cut it
	var cut []byte
	for body := all[5:]; len(body) > 0; body = body[min(10, len(body)):] {
		n := min(10, len(body))
		cut = append(append(cut, 0x16, 3, 1, 0, byte(n)), body[:n]...)
	}
	if h, err := ReadHello(context.Background(), said{Reader: bytes.NewReader(cut)}); err != nil || h.Host != "key.chess.test" {
		t.Errorf("%q: %v", h.Host, err)
	}
}

// FuzzHello has clients say anything: what was read is what was said, no more than is allowed, and a name is a host name.
func FuzzHello(f *testing.F) {
	for _, name := range []string{"a.chess.test", "", "a_b.chess.test", "x:80", "[::1]"} {
		f.Add(helloOf(name))
	}
	f.Add([]byte("GET / HTTP/1.1"))
	f.Fuzz(func(t *testing.T, all []byte) {
		h, err := ReadHello(context.Background(), said{Reader: bytes.NewReader(all)})
		if !bytes.HasPrefix(all, h.Sent) || len(h.Sent) > MaxHello {
			t.Errorf("%d bytes are read of %d, or others", len(h.Sent), len(all))
		}
		if err != nil && h.Host != "" {
			t.Errorf("a name %q with %v", h.Host, err)
		}
		if again, ok := front.ParseHost(h.Host); h.Host != "" && (!ok || again != h.Host) {
			t.Errorf("%q is no host name", h.Host)
		}
	})
}
