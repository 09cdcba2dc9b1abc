package front

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// proxied is a listener of one connection, which says what a proxy says.
type proxied struct {
	net.Listener
	conn net.Conn
}

func (p proxied) Accept() (net.Conn, error) { return p.conn, nil }

// said is a connection from an address that says that, and nothing more.
type said struct {
	net.Conn
	io.Reader
	from net.Addr
}

func (s said) Read(p []byte) (int, error) { return s.Reader.Read(p) }

func (s said) RemoteAddr() net.Addr { return s.from }

func (said) LocalAddr() net.Addr { return &net.TCPAddr{} }

func (said) SetReadDeadline(time.Time) error { return nil }

// v2 is how a header of version 2 begins. Four bytes follow, of which the last two are the length of the rest.
const v2 = "\r\n\r\n\x00\r\nQUIT\n"

// whole says whether all of a header of version 2 is there.
func whole(all []byte) bool {
	const fixed = len(v2) + 4
	return bytes.HasPrefix(all, []byte(v2)) && len(all) >= fixed && len(all)-fixed >= int(binary.BigEndian.Uint16(all[fixed-2:]))
}

// What a proxy says of a client is one of both headers, and none of it, nor of what it lacks, goes to the request; what somebody else says is not
// believed, and reaches the server as it is.
func FuzzProxyProtocol(f *testing.F) {
	for _, s := range []string{
		"PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\nGET /", "PROXY TCP6 2001:db8::7 2001:db8::1 5000 80\r\nGET /", "PROXY UNKNOWN\r\nGET /",
		v2 + "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\x13\x88\x00\x50GET /", v2 + "\x20\x00\x00\x00GET /", // the second: of the proxy itself
		v2 + "\x21\x11\x00\x0f\xc0\x00\x02\x07\xc0\x00\x02\x01\x13\x88\x00\x50\x04\x00\x00GET /", v2 + "\x21\x31\x00\xd8" + strings.Repeat("a", 216),
		"GET / HTTP/1.1\r\n\r\n", "PROXY TCP4 nobody\r\n", "PROXY ",
	} {
		f.Add([]byte(s))
	}
	proxy, other := &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}
	from := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, all []byte) {
		accept := func(addr net.Addr) ([]byte, net.Addr, error) {
			c, err := ProxyProtocol(proxied{conn: said{Reader: bytes.NewReader(all), from: addr}}, from).Accept()
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(c)
			return got, c.RemoteAddr(), err
		}
		if got, addr, err := accept(other); err != nil || !bytes.Equal(got, all) || addr != other {
			t.Errorf("of somebody else, %d bytes of %d from %v: %v", len(got), len(all), addr, err)
		}
		got, addr, err := accept(proxy)
		header, ok := bytes.CutSuffix(all, got)
		switch {
		case err != nil && (len(got) > 0 || addr != proxy):
			t.Errorf("%d bytes from %v with %v", len(got), addr, err)
		case err == nil && (!ok || !bytes.HasPrefix(header, []byte("PROXY ")) && !bytes.HasPrefix(header, []byte(v2))):
			t.Errorf("the header is %q", header)
		case errors.Is(err, io.ErrUnexpectedEOF) && whole(all):
			t.Errorf("%q ends too early", all)
		}
	})
}
