package gateway

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// farewell is how long a client that was told that its WebSocket ends has to say goodbye.
const farewell = time.Second

// tunnel is an upgraded connection between a client and a pod. Both ends are told when it must end: the session goes (and the
// connection does not hold it), the gateway goes, or the pod is gone.
type tunnel struct {
	http.ResponseWriter
	visit    *directory.Visit
	upgrades *upgrades
	done     chan struct{}
	open     atomic.Bool

	front, back *side
}

// Unwrap is for http.ResponseController.
func (t *tunnel) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// join puts the pod's side in, and gives what the proxy reads and writes in its place.
func (t *tunnel) join(pod io.ReadWriteCloser) io.ReadWriteCloser {
	t.back = newSide(pod, true)
	return &podEnd{side: t.back, tunnel: t}
}

// Hijack opens the tunnel. From here on the visit is an open connection.
func (t *tunnel) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(t.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	t.front = newSide(conn, false)
	t.open.Store(true)
	t.visit.Upgraded()
	t.upgrades.join()
	go t.watch()
	return &clientEnd{Conn: conn, side: t.front}, buffered, nil
}

// close is called when the proxy has left the tunnel.
func (t *tunnel) close() {
	if t.open.Load() {
		close(t.done)
		t.upgrades.leave()
	}
}

// count brings what went through into the access log.
func (t *tunnel) count(e *entry) {
	if t.open.Load() {
		e.in.Add(t.back.total())
		e.answer.bytes += t.front.total()
	}
}

// watch ends the tunnel when it must.
func (t *tunnel) watch() {
	select {
	case <-t.visit.Closing():
	case <-t.upgrades.closing():
	case <-t.done:
		return
	}
	t.end(closeGoingAway)
}

// end says goodbye to both ends, and closes them when the client has answered or its time is over. Closing at once could
// take our own goodbye back from the wire.
func (t *tunnel) end(code uint16) {
	late := time.AfterFunc(farewell, t.cut) // also if the client does not even take the frame
	defer late.Stop()
	if t.front.end(code) == nil {
		_ = t.back.end(code)
		t.linger()
	}
	t.cut()
}

func (t *tunnel) linger() {
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-t.back.closed:
	case <-t.done:
	case <-timer.C:
	}
}

func (t *tunnel) cut() {
	_ = t.front.Close()
	_ = t.back.Close()
}

// clientEnd is the client's connection as the proxy has it.
type clientEnd struct {
	net.Conn
	side *side
}

// Write writes frames of the pod.
func (c *clientEnd) Write(p []byte) (int, error) { return c.side.Write(p) }

// podEnd is the pod's connection as the proxy has it.
type podEnd struct {
	*side
	tunnel *tunnel
}

// Read reads frames of the pod. Where they end, the client is told so, if the pod did not do it.
func (p *podEnd) Read(b []byte) (int, error) {
	n, err := p.side.Read(b)
	if err != nil {
		p.tunnel.end(closeServiceRestart)
	}
	return n, err
}
