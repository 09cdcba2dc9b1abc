package gateway_test

import (
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// silent is how many WebSockets are open in which nobody says anything.
	silent = 1000
	// silentCost is how many bytes of heap and stack one of them may take, both sockets included.
	silentCost = 20 << 10
)

// parked is an end that holds connections, and nothing else for them.
type parked struct {
	mu    sync.Mutex
	conns []net.Conn
}

func (p *parked) keep(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.conns = append(p.conns, c)
}

// leave closes them all.
func (p *parked) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

// switches is a pod that upgrades each connection without a goroutine or a buffer that stays.
func (p *parked) switches(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			upToBlankLine(c)
			p.keep(c)
			_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
		}
	}()
	return l.Addr().String()
}

// upToBlankLine reads a head, and not one byte more.
func upToBlankLine(c net.Conn) {
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	var head []byte
	for b := make([]byte, 1); !strings.HasSuffix(string(head), "\r\n\r\n"); head = append(head, b[0]) {
		if _, err := c.Read(b); err != nil {
			return
		}
	}
	_ = c.SetReadDeadline(time.Time{})
}

// opens a WebSocket of key a.
func (w *world) opens() net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, "GET / HTTP/1.1\r\n"+host+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nUser-Agent: "+strings.Repeat("x", 100)+"\r\nCookie: "+strings.Repeat("y", 300)+"\r\n\r\n")
	upToBlankLine(c)
	return c
}

// live is what heap and stacks take, once what ended before has gone.
func live() int64 {
	var m runtime.MemStats
	last := int64(0)
	for range 100 {
		for range 3 { // pools are emptied by two, and stacks shrink
			runtime.GC()
		}
		runtime.ReadMemStats(&m)
		now := int64(m.HeapAlloc + m.StackInuse)
		if now >= last-last/100 && last > 0 {
			return now
		}
		last = now
		time.Sleep(20 * time.Millisecond)
	}
	return last
}

// 004-20: a WebSocket in which nobody says anything costs little.
func TestSilentWebSocketsCostLittle(t *testing.T) {
	pod := &parked{}
	w := newWorld(t, chess())
	w.publish("a", "pod-a", pod.switches(t), 1)
	w.cost(t, func() {})
}

// And little while its session sleeps.
func TestHibernatedWebSocketsCostLittle(t *testing.T) {
	pod := &parked{}
	w := newWorld(t, chess(hibernates))
	address := pod.switches(t)
	w.publish("a", "pod-1", address, 1)
	w.cost(t, func() {
		pod.leave() // as in a crash
		w.until("asleep", func() bool {
			return w.metric("dormouse_gateway_hibernated_connections") == w.metric("dormouse_gateway_upgraded_connections")
		})
	})
}

// cost opens silent WebSockets, and brings all into the state that is measured.
func (w *world) cost(t *testing.T, settle func()) {
	t.Helper()
	for range 50 {
		w.opens()
	}
	settle()
	before := live()
	conns := make([]net.Conn, silent)
	for i := range conns {
		conns[i] = w.opens()
	}
	settle()
	if open := w.metric("dormouse_gateway_upgraded_connections"); open != silent+50 {
		t.Fatalf("%v are open", open)
	}
	each := (live() - before) / silent
	t.Logf("%d bytes of heap and stack for each of %d WebSockets", each, silent)
	if each > silentCost {
		t.Errorf("that is more than %d", silentCost)
	}
	runtime.KeepAlive(conns)
}
