package front_test

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
)

// One address has no more connections than it may, until it closes one.
func TestConnectionsPerClient(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var turnedAway atomic.Int32
	l := front.LimitPerClient(inner, 2, func() { turnedAway.Add(1) })
	t.Cleanup(func() { _ = l.Close() })
	accepted := make(chan net.Conn, 10)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- c
		}
	}()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
		return c
	}
	dial()
	dial()
	one := <-accepted
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the third connection: %v", err)
	}
	_ = one.Close()
	_ = one.Close() // gives back one place, and not two
	dial()
	<-accepted
	if _, err := dial().Read(make([]byte, 1)); !errors.Is(err, io.EOF) && !isReset(err) {
		t.Errorf("the one after: %v", err)
	}
	if n := turnedAway.Load(); n != 2 {
		t.Errorf("%d are told of", n)
	}
	if front.LimitPerClient(inner, 0, nil) != inner {
		t.Error("no bound is one")
	}
}

// A proxy that has not said yet for whom it speaks keeps nobody waiting, and the limit is that of the client of whom it speaks.
func TestConnectionsPerClientBehindAProxy(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := front.LimitPerClient(front.ProxyProtocol(inner, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), 1, func() {})
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	dial := func(header string) net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		_ = c.SetDeadline(time.Now().Add(10 * time.Second))
		_, _ = io.WriteString(c, header)
		return c
	}
	echoes := func(c net.Conn) bool {
		_, err := io.ReadFull(c, make([]byte, 1))
		return err == nil
	}
	dial("") // says nothing
	const one, other = "PROXY TCP4 192.0.2.7 192.0.2.1 5000 80\r\nx", "PROXY TCP4 192.0.2.8 192.0.2.1 5000 80\r\nx"
	first := dial(one)
	if !echoes(first) {
		t.Error("a connection waits for one that says nothing")
	}
	if echoes(dial(one)) {
		t.Error("the client has two")
	}
	if !echoes(dial(other)) {
		t.Error("another client has none")
	}
	_ = first.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, first) // to its end, at which the place is free
	if !echoes(dial(one)) {
		t.Error("the place is not free again")
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && !op.Timeout()
}
