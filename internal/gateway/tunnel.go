package gateway

import (
	"net"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

// farewell is how long a client that was told that its WebSocket ends has to say goodbye.
const farewell = time.Second

// reasonExpired is what a client is told with 1008.
const reasonExpired = "the credential has expired"

// tunnel is an upgraded connection between a client and a pod. Both ends are told when it must end: the session goes (and the
// connection does not hold it), the gateway goes, or the pod is gone. One that hibernates lets the pod go instead, and finds the next
// one. While nobody says anything, it costs two sockets and three small stacks, and no buffer.
type tunnel struct {
	upgrades *upgrades
	client   net.Conn
	front    *websocket.Side    // to the client
	gone     chan struct{}      // closed when nothing more comes from the client
	goodbye  *websocket.Goodbye // of the client
	dormancy *dormancy          // nil: it does not hibernate
	first    *podEnd
	expired  chan struct{} // closed when the client's credential is good no longer; nil: nobody knows when
	expiry   *time.Timer   // closes it
	tally    *tally        // of what goes by; nil: nobody asks
}

// podEnd is the pod's end of a tunnel.
type podEnd struct {
	*websocket.Side
	conn  net.Conn
	visit *directory.Visit
	early []byte        // what it said before the tunnel had it
	ended chan struct{} // closed when nothing more comes from the pod
	news  chan struct{} // told when something went by, of a tunnel that hibernates
}

// newPodEnd takes the seat out of the hands of the request that had it.
func newPodEnd(s seat, early []byte) *podEnd {
	s.link.pod.leave()
	conn := s.link.conn.Conn
	return &podEnd{Side: websocket.NewSide(conn, true), conn: conn, visit: s.visit, early: early, ended: make(chan struct{})}
}

// leave gives up the pod.
func (p *podEnd) leave() {
	_ = p.Close()
	p.visit.Leave()
}

func newTunnel(u *upgrades, client net.Conn) *tunnel {
	u.join()
	return &tunnel{
		upgrades: u, client: client, front: websocket.NewSide(client, false), gone: make(chan struct{}), goodbye: websocket.NewGoodbye(),
	}
}

// start opens the tunnel; early is what the client has said already. From here on the visit is an open connection.
func (t *tunnel) start(pod *podEnd, early []byte) {
	t.join(pod)
	t.first = pod
	if t.dormancy != nil {
		t.dormancy.pod = pod
	}
	go t.fromClient(early)
	go t.watch()
}

// join takes a pod in.
func (t *tunnel) join(pod *podEnd) {
	pod.Closed = t.goodbye
	if t.dormancy != nil {
		pod.news = make(chan struct{}, 1)
		pod.visit.Parts()
	}
	pod.visit.Upgraded()
	go t.fromPod(pod)
}

// fromClient passes on what the client says, to the end.
func (t *tunnel) fromClient(early []byte) {
	defer close(t.gone)
	to := t.toPod
	if t.dormancy != nil {
		to = t.hear
	}
	if to(early) == nil {
		_ = transfer(t.client, to)
	}
}

// toPod passes on what a client says. A pod that does not take it is at its end, which is seen where it is read from.
func (t *tunnel) toPod(p []byte) error {
	t.tally.received(p)
	n, err := t.first.say(p)
	if err != nil {
		t.first.Skip(p[n:])
		_ = t.first.Close()
	}
	return nil
}

// say writes what the client says.
func (p *podEnd) say(text []byte) (int, error) {
	n, err := p.Write(text)
	if p.Carried() {
		p.visit.Needed()
	}
	poke(p.news)
	return n, err
}

// fromPod passes on what the pod says, to the end.
func (t *tunnel) fromPod(pod *podEnd) {
	defer close(pod.ended)
	to := func(p []byte) error {
		_, err := t.front.Write(p)
		t.tally.sent(p)
		if t.front.Carried() {
			pod.visit.Needed()
		}
		poke(pod.news)
		return err
	}
	if to(pod.early) == nil {
		_ = transfer(pod.conn, to)
	}
}

// watch ends the tunnel when it must.
func (t *tunnel) watch() {
	for pod := t.first; pod != nil; {
		parted := t.serve(pod)
		pod.leave()
		if !parted {
			break
		}
		pod = t.sleep()
	}
	t.cut(nil)
	if t.expiry != nil {
		t.expiry.Stop()
	}
	t.tally.end()
	t.upgrades.leave()
}

// serve waits until the pod must be let go, and says whether the tunnel goes on without it.
func (t *tunnel) serve(pod *podEnd) (parted bool) {
	select {
	case <-pod.visit.Closing():
		if parted = t.part(pod); !parted {
			code, reason := t.because(websocket.CloseGoingAway)
			t.end(pod, code, reason)
		}
	case <-t.upgrades.closing():
		t.end(pod, websocket.CloseGoingAway, "")
	case <-t.expired:
		t.end(pod, websocket.ClosePolicy, reasonExpired)
	case <-pod.ended:
		if parted = t.lost(pod); !parted {
			t.end(pod, websocket.CloseServiceRestart, "")
		}
	case <-t.gone:
		t.hearOut(pod)
	}
	return parted
}

// because is the code and the reason of an end for which there was one before: the credential may have come to its own meanwhile.
func (t *tunnel) because(code uint16) (uint16, string) {
	select {
	case <-t.expired:
		return websocket.ClosePolicy, reasonExpired
	default:
		return code, ""
	}
}

// hearOut lets the pod answer the goodbye of a client that has ended its half behind it.
func (t *tunnel) hearOut(pod *podEnd) {
	select {
	case <-t.goodbye.Said():
	default:
		return
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-pod.ended:
	case <-t.upgrades.closing():
	case <-timer.C:
	}
}

// end says goodbye to both ends, if they did not do it themselves, and waits until the client has answered or its time is over.
// Closing at once could take our own goodbye back from the wire.
func (t *tunnel) end(pod *podEnd, code uint16, reason string) {
	late := time.AfterFunc(farewell, func() { t.cut(pod) }) // also if the client does not even take the frame
	defer late.Stop()
	t.dormancy.finish()
	if t.front.EndWith(code, reason) != nil {
		return
	}
	if pod != nil {
		_ = pod.End(code)
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-t.goodbye.Said():
	case <-t.gone:
	case <-timer.C:
	}
}

func (t *tunnel) cut(pod *podEnd) {
	_ = t.client.Close()
	if pod != nil {
		_ = pod.Close()
	}
}

// poke tells whoever waits; one telling is as good as many.
func poke(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
