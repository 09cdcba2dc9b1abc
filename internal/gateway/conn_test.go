package gateway

import (
	"net"
	"testing"
	"time"
)

// A hang-up is seen before anything is written, though nobody reads the connection.
func TestHungUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dial := func() (*podConn, net.Conn) {
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _, _ = client.Close(), server.Close() })
		return &podConn{Conn: client}, server
	}
	open, _ := dial()
	if open.hungUp() {
		t.Error("an open connection")
	}
	for name, act := range map[string]func(net.Conn){
		"closed":   func(c net.Conn) { _ = c.Close() },
		"reset":    func(c net.Conn) { _ = c.(*net.TCPConn).SetLinger(0); _ = c.Close() },
		"babbling": func(c net.Conn) { _, _ = c.Write([]byte("HTTP/1.1 408 Request Timeout\r\n\r\n")) },
	} {
		conn, server := dial()
		act(server)
		time.Sleep(50 * time.Millisecond)
		if !conn.hungUp() {
			t.Errorf("a connection that is %s", name)
		}
	}
	_ = open.Close()
	if !open.hungUp() {
		t.Error("a connection that we closed")
	}
}
