package gateway

import (
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"sync"
)

// dormancy is what a tunnel has that stays open while its session sleeps. A nil one is that of a tunnel that does not.
type dormancy struct {
	gateway *Gateway
	target  Target
	request *http.Request // as the first pod got it
	answer  http.Header   // of the first pod

	wanted chan struct{} // told when the client has said something for a pod
	roused chan struct{} // told when the session may be reachable

	mu     sync.Mutex
	turn   sync.Cond // of mu: told when one of the following has changed
	pod    *podEnd   // takes what the client says; nil: none does
	asleep bool      // the inbox takes it
	over   bool      // nobody does any more
	inbox  inbox
	dead   string // UID of the pod that was lost, which is not worth another try
}

func newDormancy(g *Gateway, t Target, r *http.Request, answer http.Header) *dormancy {
	t.Quiet = nil // a frame is no request that must not wake
	d := &dormancy{
		gateway: g, target: t, answer: answer, wanted: make(chan struct{}, 1), roused: make(chan struct{}, 1),
		request: &http.Request{Method: r.Method, URL: r.URL, Host: r.Host, Header: r.Header},
	}
	d.turn.L = &d.mu
	return d
}

// hear takes what the client says: it goes to the pod, or waits in the inbox for the next one. What finds no room there is not read.
func (t *tunnel) hear(p []byte) error {
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
	d.mu.Lock()
	for d.pod == nil && !d.over && (!d.asleep || d.inbox.full()) {
		d.turn.Wait()
	}
	if pod := d.pod; pod != nil {
		d.mu.Unlock()
		n, err := pod.say(p)
		if err != nil {
			d.drop(pod, err)
		}
		return n, nil
	}
	if d.over {
		d.inbox.pending = nil // it is for nobody, but for a goodbye
	}
	n, opcode, payload, err := d.inbox.take(p)
	wants := len(d.inbox.pending) > 0 && !d.over
	if wants {
		poke(d.wanted)
	}
	d.mu.Unlock()
	if err != nil {
		_ = t.front.end(closeProtocolError)
		return n, err
	}
	return n, t.answer(opcode, payload, wants)
}

// answer does what the pod would do with a control frame of the client. A goodbye behind frames that a pod has yet to get is for it.
func (t *tunnel) answer(opcode byte, payload []byte, wants bool) error {
	switch {
	case opcode == opPing:
		return t.front.pong(payload)
	case opcode == opClose && wants:
		t.dormancy.append(opClose, payload)
	case opcode == opClose:
		code := uint16(closeNormal)
		if len(payload) >= 2 {
			code = binary.BigEndian.Uint16(payload)
		}
		_ = t.front.end(code)
		close(t.goodbye)
		return io.EOF
	}
	return nil
}

// append adds a control frame to what the pod gets.
func (d *dormancy) append(opcode byte, payload []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.inbox.pending = append(d.inbox.pending, 0x80|opcode, 0x80|byte(len(payload)), 0, 0, 0, 0)
	d.inbox.pending = append(d.inbox.pending, payload...)
}

// drop takes a pod away that takes nothing more for now. One that fails is at its end, which is seen where it is read from.
func (d *dormancy) drop(pod *podEnd, why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.pod == pod {
		d.pod = nil
	}
	if !errors.Is(why, errHeld) {
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
	if len(d.inbox.pending) > 0 {
		poke(d.wanted)
	}
	d.turn.Broadcast()
}

// deliver gives a pod what the client has said meanwhile, and from then on what it says.
func (d *dormancy) deliver(pod *podEnd) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asleep = false
	n, err := pod.say(d.inbox.all())
	d.inbox.passed(n)
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
