package front

import (
	"bufio"
	"bytes"
	"net"
	"testing"

	"github.com/pires/go-proxyproto"
)

// header is what a proxy writes that says these.
func header(t testing.TB, tlvs ...proxyproto.TLV) []byte {
	t.Helper()
	h := proxyproto.HeaderProxyFromAddrs(2, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1}, &net.TCPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 2})
	if err := h.SetTLVs(tlvs); err != nil {
		t.Fatal(err)
	}
	b, err := h.Format()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func authority(name string) proxyproto.TLV {
	return proxyproto.TLV{Type: proxyproto.PP2_TYPE_AUTHORITY, Value: []byte(name)}
}

// An authority is one host name, or nothing that anybody is sent by.
func TestAuthority(t *testing.T) {
	other := proxyproto.TLV{Type: proxyproto.PP2_TYPE_ALPN, Value: []byte("h2")}
	for name, tt := range map[string]struct {
		tlvs  []proxyproto.TLV
		host  string
		fails bool
	}{
		"none":          {[]proxyproto.TLV{other}, "", false},
		"a host name":   {[]proxyproto.TLV{other, authority("A.chess.test")}, "a.chess.test", false},
		"two":           {[]proxyproto.TLV{authority("a.test"), authority("a.test")}, "", true},
		"with a port":   {[]proxyproto.TLV{authority("a.test:80")}, "", true},
		"an address":    {[]proxyproto.TLV{authority("[::1]")}, "", true},
		"empty":         {[]proxyproto.TLV{authority("")}, "", true},
		"no host name":  {[]proxyproto.TLV{authority("a_b")}, "", true},
		"with a NUL":    {[]proxyproto.TLV{authority("a.test\x00")}, "", true},
		"a dot too few": {[]proxyproto.TLV{authority("a..test")}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(header(t, tt.tlvs...))))
			if err != nil {
				t.Fatal(err)
			}
			host, said, err := authorityOf(h)
			if host != tt.host || said != (tt.host != "") || (err != nil) != tt.fails {
				t.Errorf("%q, %v, %v", host, said, err)
			}
		})
	}
	if host, said, err := authorityOf(nil); host != "" || said || err != nil {
		t.Errorf("without a header: %q, %v, %v", host, said, err)
	}
}

// FuzzAuthority has a proxy say anything: what comes of it is a host name in its one spelling, or none.
func FuzzAuthority(f *testing.F) {
	f.Add(header(f, authority("a.chess.test")))
	f.Add(header(f, authority("[::1]"), authority("b")))
	f.Add(header(f))
	f.Add([]byte("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := proxyproto.Read(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		host, said, err := authorityOf(h)
		if again, ok := ParseHost(host); said && (err != nil || !ok || again != host) || !said && host != "" {
			t.Errorf("%q, %v, %v", host, said, err)
		}
	})
}
