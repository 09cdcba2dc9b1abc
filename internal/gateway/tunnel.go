package gateway

import (
	"net"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// farewell is how long a client that was told that its WebSocket ends has to say goodbye.
const farewell = time.Second

// tunnel is an upgraded connection between a client and a pod. Both ends are told when it must end: the session goes (and the
// connection does not hold it), the gateway goes, or the pod is gone. While nobody says anything, it costs two sockets and three small
// stacks, and no buffer.
type tunnel struct {
	upgrades *upgrades
	client   net.Conn
	front    *side         // to the client
	gone     chan struct{} // closed when nothing more comes from the client
	pod      *podEnd
}

// podEnd is the pod's end of a tunnel.
type podEnd struct {
	*side
	conn  net.Conn
	visit *directory.Visit
	ended chan struct{} // closed when nothing more comes from the pod
}

// newPodEnd takes the seat out of the hands of the request that had it.
func newPodEnd(s seat) *podEnd {
	s.link.pod.leave()
	conn := s.link.conn.Conn
	return &podEnd{side: newSide(conn, true), conn: conn, visit: s.visit, ended: make(chan struct{})}
}

func newTunnel(u *upgrades, client net.Conn) *tunnel {
	u.join()
	return &tunnel{upgrades: u, client: client, front: newSide(client, false), gone: make(chan struct{})}
}

// start opens the tunnel: early is what the pod has said already, and first what the client has. From here on the visit is an open
// connection.
func (t *tunnel) start(pod *podEnd, early, first []byte) {
	t.pod = pod
	pod.visit.Upgraded()
	go t.fromPod(pod, early)
	go t.fromClient(first)
	go t.watch()
}

// fromClient passes on what the client says, to the end.
func (t *tunnel) fromClient(first []byte) {
	defer close(t.gone)
	_ = t.toPod(first)
	_ = transfer(t.client, t.toPod)
}

// toPod passes on what a client says. A pod that does not take it is at its end, which is seen where it is read from.
func (t *tunnel) toPod(p []byte) error {
	if n, err := t.pod.Write(p); err != nil {
		t.pod.skip(p[n:])
		_ = t.pod.Close()
	}
	return nil
}

// fromPod passes on what the pod says, to the end.
func (t *tunnel) fromPod(pod *podEnd, early []byte) {
	defer close(pod.ended)
	if t.toClient(early) == nil {
		_ = transfer(pod.conn, t.toClient)
	}
}

func (t *tunnel) toClient(p []byte) error {
	_, err := t.front.Write(p)
	return err
}

// watch ends the tunnel when it must.
func (t *tunnel) watch() {
	select {
	case <-t.pod.visit.Closing():
		t.end(closeGoingAway)
	case <-t.upgrades.closing():
		t.end(closeGoingAway)
	case <-t.pod.ended:
		t.end(closeServiceRestart)
	case <-t.gone:
	}
	t.cut()
	t.pod.visit.Leave()
	t.upgrades.leave()
}

// end says goodbye to both ends, if they did not do it themselves, and waits until the client has answered or its time is over.
// Closing at once could take our own goodbye back from the wire.
func (t *tunnel) end(code uint16) {
	late := time.AfterFunc(farewell, t.cut) // also if the client does not even take the frame
	defer late.Stop()
	if t.front.end(code) == nil {
		_ = t.pod.end(code)
		t.linger()
	}
}

func (t *tunnel) linger() {
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-t.pod.closed:
	case <-t.gone:
	case <-timer.C:
	}
}

func (t *tunnel) cut() {
	_ = t.client.Close()
	_ = t.pod.Close()
}
