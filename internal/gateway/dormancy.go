package gateway

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"sync"

	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

// dormancy is what a tunnel has that stays open while its session sleeps. A nil one is that of a tunnel that does not.
type dormancy struct {
	gateway *Gateway
	target  *resolve.Target
	request *http.Request // as the first pod got it
	answer  http.Header   // of the first pod

	wanted chan struct{} // told when the client has said something for a pod
	roused chan struct{} // told when the session may be reachable

	mu     sync.Mutex
	turn   sync.Cond // of mu: told when one of the following has changed
	pod    *podEnd   // takes what the client says; nil: none does
	asleep bool      // the inbox takes it
	over   bool      // nobody does any more
	inbox  websocket.Inbox
	dead   string // UID of the pod that was lost, which is not worth another try
}

func newDormancy(g *Gateway, t *resolve.Target, r *http.Request, answer http.Header) *dormancy {
	frames := *t
	frames.Quiet = nil // a frame is no request that must not wake
	d := &dormancy{
		gateway: g, target: &frames, answer: answer, wanted: make(chan struct{}, 1), roused: make(chan struct{}, 1),
		request: &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header},
	}
	d.turn.L = &d.mu
	return d
}

// hear takes what the client says: it goes to the pod, or waits in the inbox for the next one. What finds no room there is not read.
func (t *tunnel) hear(p []byte) error {
	t.tally.received(p)
	for len(p) > 0 {
		n, err := t.hearSome(p)
		if err != nil {
			return err
		}
		p = p[n:]
	}
	return nil
}

func (t *tunnel) hearSome(p []byte) (int, error) {
	d := t.dormancy
	if pod := d.listener(); pod != nil {
		n, err := pod.say(p)
		if err != nil {
			d.drop(pod, err)
		}
		return n, nil
	}
	n, opcode, payload, err := d.receive(p)
	if err != nil {
		_ = t.front.End(websocket.CloseProtocolError)
		return n, err
	}
	return n, t.answer(opcode, payload)
}

// listener waits until somebody takes what the client says. Nil: the inbox does.
func (d *dormancy) listener() *podEnd {
	d.mu.Lock()
	defer d.mu.Unlock()
	for d.pod == nil && !d.over && (!d.asleep || d.inbox.Full()) {
		d.turn.Wait()
	}
	return d.pod
}

// receive puts what the client says into the inbox, and has the session woken for it. A goodbye behind frames that a pod has yet to
// get is for that pod too.
func (d *dormancy) receive(p []byte) (n int, opcode byte, payload []byte, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pod != nil || !d.asleep && !d.over {
		return 0, 0, nil, nil // it has woken just now
	}
	if d.over {
		d.inbox.Discard() // it is for nobody, but for a goodbye
	}
	n, opcode, payload, err = d.inbox.Take(p)
	if d.over || !d.inbox.Waiting() {
		return n, opcode, payload, err
	}
	poke(d.wanted)
	if opcode == websocket.OpClose {
		d.inbox.Goodbye(payload)
		opcode = 0
	}
	return n, opcode, payload, err
}

// answer does what the pod would do with a control frame of the client.
func (t *tunnel) answer(opcode byte, payload []byte) error {
	switch opcode {
	case websocket.OpPing:
		return t.front.Pong(payload)
	case websocket.OpClose:
		code := uint16(websocket.CloseNormal)
		if len(payload) >= 2 {
			code = binary.BigEndian.Uint16(payload)
		}
		_ = t.front.End(code)
		t.goodbye.Say()
		return io.EOF
	}
	return nil
}

// drop takes a pod away that takes nothing more for now. One that fails is at its end, which is seen where it is read from.
func (d *dormancy) drop(pod *podEnd, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pod == pod {
		d.pod = nil
	}
	if !errors.Is(why, websocket.ErrHeld) {
		_ = pod.Close()
	}
}

// shun notes the UID of a pod that is dead; empty: none is.
func (d *dormancy) shun(uid string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.dead = uid
}

// fallAsleep has the inbox take what the client says.
func (d *dormancy) fallAsleep() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pod, d.asleep = nil, true
	select {
	case <-d.wanted: // it is with a pod
	default:
	}
	if d.inbox.Waiting() {
		poke(d.wanted)
	}
	d.turn.Broadcast()
}

// deliver gives a pod what the client has said meanwhile, and from then on what it says.
func (d *dormancy) deliver(pod *podEnd) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asleep = false
	n, err := pod.say(d.inbox.All())
	d.inbox.Passed(n)
	if err != nil {
		_ = pod.Close()
		return
	}
	d.pod = pod
	d.turn.Broadcast()
}

// finish has nobody take anything any more, but a goodbye.
func (d *dormancy) finish() {
	if d == nil {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
	d.turn.Broadcast()
}
