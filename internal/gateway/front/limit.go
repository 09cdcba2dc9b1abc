package front

import (
	"io"
	"net"
	"net/netip"
	"sync"

	"github.com/pires/go-proxyproto"
)

// LimitPerClient takes from each client address at most so many connections at once, of l, and closes those beyond at once: before TLS and
// HTTP there is nobody to tell. turnedAway is called for each of those. Zero or less: it is l.
func LimitPerClient(l net.Listener, most int, turnedAway func()) net.Listener {
	if most <= 0 {
		return l
	}
	return &clientLimit{Listener: l, most: most, turnedAway: turnedAway, open: map[netip.Addr]int{}}
}

type clientLimit struct {
	net.Listener
	most       int
	turnedAway func()

	mu   sync.Mutex
	open map[netip.Addr]int
}

// Accept waits for a connection within the limit. Who is at the other end of one with a PROXY header is known only when that is read, for
// which the connections behind it must not wait: it is counted when it is read from, and is at its end there if it is beyond the limit.
func (l *clientLimit) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &countedConn{Conn: conn, limit: l}
		if _, later := conn.(*proxyproto.Conn); later || c.count() {
			return c, nil
		}
		_ = conn.Close()
	}
}

// Within says whether a connection of a listener with such a limit is within it, and gives it as it is below the limit: with halves that end one by one, and
// with the word of a proxy. It waits for that word. The connection is closed as it came, so that its place is given back.
func Within(c net.Conn) (below net.Conn, within bool) {
	counted, ok := c.(*countedConn)
	if !ok {
		return c, true
	}
	return counted.Conn, counted.count()
}

func peerOf(c net.Conn) netip.Addr {
	at, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return networkOf(at.Addr())
}

func (l *clientLimit) enter(a netip.Addr) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[a] >= l.most {
		return false
	}
	l.open[a]++
	return true
}

func (l *clientLimit) leave(a netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open[a]--; l.open[a] == 0 {
		delete(l.open, a)
	}
}

// countedConn takes a place, and gives it back when it is closed.
type countedConn struct {
	net.Conn
	limit *clientLimit
	once  sync.Once
	in    bool // within the limit; set once

	mu     sync.Mutex
	leave  func() // gives the place back; nil: it has none
	closed bool
}

// count takes a place, if it was not done, and says whether there was one.
func (c *countedConn) count() bool {
	c.once.Do(func() {
		from := peerOf(c.Conn)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.in = c.closed || c.limit.enter(from)
		switch {
		case !c.in:
			c.limit.turnedAway()
		case !c.closed:
			c.leave = func() { c.limit.leave(from) }
		}
	})
	return c.in
}

// Read reads, within the limit.
func (c *countedConn) Read(p []byte) (int, error) {
	if !c.count() {
		return 0, io.EOF
	}
	return c.Conn.Read(p)
}

// Close gives the place back, once.
func (c *countedConn) Close() error {
	c.mu.Lock()
	leave := c.leave
	c.leave, c.closed = nil, true
	c.mu.Unlock()
	if leave != nil {
		leave()
	}
	return c.Conn.Close()
}
