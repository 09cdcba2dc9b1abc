package gateway

import (
	"net"
	"net/netip"
	"sync"
)

// LimitPerClient takes from each client address at most so many connections at once, of l, and closes those beyond at once: before TLS and
// HTTP there is nobody to tell. Zero or less: it is l.
func LimitPerClient(l net.Listener, most int, m *Metrics) net.Listener {
	if most <= 0 {
		return l
	}
	return &clientLimit{Listener: l, most: most, metrics: m, open: map[netip.Addr]int{}}
}

type clientLimit struct {
	net.Listener
	most    int
	metrics *Metrics

	mu   sync.Mutex
	open map[netip.Addr]int
}

// Accept waits for a connection within the limit.
func (l *clientLimit) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := peerOf(conn)
		if l.enter(from) {
			return &countedConn{Conn: conn, leave: sync.OnceFunc(func() { l.leave(from) })}, nil
		}
		l.metrics.turnedAway.Inc()
		_ = conn.Close()
	}
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

// countedConn gives its place back when it is closed.
type countedConn struct {
	net.Conn
	leave func()
}

// Close gives the place back, once.
func (c *countedConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
