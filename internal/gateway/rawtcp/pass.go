package rawtcp

import (
	"io"
	"net"
	"syscall"
	"time"
)

// Passed is how many bytes went by.
type Passed struct {
	Received int64 // of the client
	Sent     int64 // to it
}

// A Mover moves bytes from one end to the other until there are no more, and says how many it did. An error is not the end of from.
type Mover func(to, from net.Conn) (int64, error)

// Kernel is the Mover that looks at nothing: where both are TCP, the kernel moves the bytes.
func Kernel(to, from net.Conn) (int64, error) { return io.Copy(to, from) }

// Pass carries bytes between a client and a pod until both have ended their halves, or one of them breaks off. When the pod has ended its half, the
// client has until then for the rest of its own: a client that forgets to close must not keep its session awake for ever. Nor must one that is gone
// altogether since it has ended its half, where the pod waits for nothing. The error is that of a pod that did not even take what the client had sent
// already.
func Pass(client *Client, pod net.Conn, move Mover, then func() time.Time) (p Passed, err error) {
	n, err := pod.Write(client.Sent)
	p.Received = int64(n)
	client.Sent = nil
	if err != nil {
		return p, err
	}
	back := make(chan struct{})
	go func() {
		defer close(back)
		p.Sent = half(client.Conn, pod, move)
		_ = client.SetReadDeadline(then())
	}()
	p.Received += half(pod, client.Conn, move)
	stay := whenGone(client.Conn, func() { _, _ = client.Close(), pod.Close() })
	<-back
	stay()
	return p, nil
}

// half carries one direction until its end, and passes that on. What breaks off ends the other direction too.
func half(to, from net.Conn, move Mover) int64 {
	n, err := move(to, from)
	if err == nil {
		err = closeWrite(to)
	}
	if err != nil {
		_ = to.Close()
		_ = from.Close()
	}
	return n
}

// closeWrite ends the half of a connection that we write; the other one goes on.
func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	if tcp, ok := tcpOf(c); ok {
		return tcp.CloseWrite()
	}
	return c.Close()
}

func tcpOf(c net.Conn) (*net.TCPConn, bool) {
	if p, ok := c.(interface{ TCPConn() (*net.TCPConn, bool) }); ok { // behind the PROXY protocol
		return p.TCPConn()
	}
	tcp, ok := c.(*net.TCPConn)
	return tcp, ok
}

// whenGone calls then if a client is gone that has ended its half. There is nothing more to be read from it, and nothing to be written while the pod says
// nothing: what is known of it is what it answers to the probes of keep-alive, which it does as long as it waits. What it returns ends that, and must be
// called; nothing is read after it.
func whenGone(client net.Conn, then func()) (stay func()) {
	tcp, ok := tcpOf(client)
	if !ok {
		return func() {}
	}
	socket, err := tcp.SyscallConn()
	if err != nil {
		return func() {}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if socket.Read(failed) == nil {
			then()
		}
	}()
	return func() {
		_ = tcp.SetReadDeadline(longAgo)
		<-done
	}
}

// failed says whether a socket has met an error.
func failed(fd uintptr) bool {
	code, err := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_ERROR)
	return err != nil || code != 0
}
