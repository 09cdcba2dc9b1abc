package gateway

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

const (
	// maxIdle is how many idle connections are kept to one pod: as many requests at once go on without a dial each.
	maxIdle = 256
	// maxDials is how many connections are opened to one pod at once.
	maxDials = 16
	// sweepAt is how many pods are known before the first sweep.
	sweepAt = 256
)

// pods are the connections to pods. All is keyed by the pod's UID: a connection is never used for another pod, whatever
// address that has.
type pods struct {
	address func(podUID string) (directory.Pod, bool)
	dial    func(ctx context.Context, network, address string) (net.Conn, error)
	now     func() time.Time
	idleFor time.Duration
	metrics *Metrics

	standard bool // net/http speaks HTTP/1.1

	mu    sync.Mutex
	byUID map[string]*pod
	limit int // of byUID, before the next sweep
}

// pod is what is known of one pod: its idle connections, and whether it can be dialled.
type pod struct {
	uid     string
	now     func() time.Time
	idleFor time.Duration

	standard bool

	turn  chan struct{} // who holds it knocks; the others wait for the gate
	slots chan struct{} // who holds one dials

	mu    sync.Mutex
	idle  []*link       // that speak HTTP/1.1
	many  []*link       // that speak HTTP/2, idle or not
	users int           // connects under way, and links in use
	gate  chan struct{} // closed when the pod takes connections; nil: it does, as far as is known
	ready bool          // its ready path has answered
	gone  bool

	trouble error // what the last attempt to reach it met, since it began to start
}

// enter gives the pod of a UID, and keeps it until leave.
func (ps *pods) enter(uid string, ready bool) *pod {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	p := ps.byUID[uid]
	if p == nil {
		p = ps.add(uid, ready)
	}
	p.join()
	return p
}

// add makes a pod. One that has a ready path is behind its gate until that has answered.
func (ps *pods) add(uid string, ready bool) *pod {
	if ps.byUID == nil {
		ps.byUID, ps.limit = map[string]*pod{}, sweepAt
	}
	if len(ps.byUID) >= ps.limit {
		ps.sweep()
	}
	dials := maxDials
	if to, ok := ps.address(uid); ok && to.H2C {
		dials = 1 // the first link is for all
	}
	p := &pod{
		uid: uid, now: ps.now, idleFor: ps.idleFor, standard: ps.standard, turn: make(chan struct{}, 1), slots: make(chan struct{}, dials), ready: ready,
	}
	if !ready {
		p.gate = make(chan struct{})
	}
	ps.byUID[uid] = p
	return p
}

// sweep forgets the pods that nobody uses and that are not published. The pods that are left may double before the next one.
func (ps *pods) sweep() {
	for uid, p := range ps.byUID {
		if _, published := ps.address(uid); !published && p.unused() {
			delete(ps.byUID, uid)
		}
	}
	ps.limit = max(sweepAt, 2*len(ps.byUID))
}

// forget closes the idle connections of a pod that is gone; those in use are closed when they are given back.
func (ps *pods) forget(uid string) {
	ps.mu.Lock()
	p := ps.byUID[uid]
	delete(ps.byUID, uid)
	ps.mu.Unlock()
	if p == nil {
		return
	}
	for _, l := range p.end() {
		l.close()
	}
}

// end takes all idle links of a pod that is gone.
func (p *pod) end() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := append(p.idle, p.idleShared()...)
	p.idle, p.gone = nil, true
	return links
}

func (p *pod) unused() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.users == 0 && len(p.idle) == 0 && len(p.many) == 0
}

func (p *pod) join() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users++
}

func (p *pod) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
}

// idle gives an idle link to the pod, or nil.
func (ps *pods) idle(uid string) *link {
	ps.mu.Lock()
	p := ps.byUID[uid]
	ps.mu.Unlock()
	if p == nil {
		return nil
	}
	return p.take()
}

// take gives an idle link, the one used last: the others may come to their time.
func (p *pod) take() *link {
	if l := p.takeShared(); l != nil {
		return l
	}
	for {
		l := p.pop()
		if l == nil || l.usable() {
			return l
		}
		l.drop()
	}
}

func (p *pod) pop() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	l := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	p.users++
	return l
}

// release gives a link back after a request. One that cannot take another request is closed.
func (l *link) release() {
	if l.h2c {
		l.leave()
		return
	}
	if l.http.Available() == 0 || !l.pod.keep(l) {
		l.drop()
	}
}

// drop ends a link that is in use.
func (l *link) drop() {
	l.close()
	l.pod.leave()
}

func (p *pod) keep(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone || len(p.idle) >= maxIdle {
		return false
	}
	p.idle = append(p.idle, l)
	p.users--
	l.since = p.now()
	switch {
	case l.rest == nil:
		l.rest = time.AfterFunc(p.idleFor, l.expire)
	case !l.resting:
		l.rest.Reset(p.idleFor)
	}
	l.resting = true
	return true
}

// expire closes a link that was idle for its time. If somebody took it meanwhile, it is not in the list, or has not been there for long: to
// set the timer for each request would cost more than to let it ring in vain.
func (l *link) expire() {
	if l.pod.remove(l) || l.pod.removeIdle(l) {
		l.close()
	}
}

func (p *pod) remove(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, l)
	if i < 0 {
		l.resting = false
		return false
	}
	if left := p.idleFor - p.now().Sub(l.since); left > 0 {
		l.rest.Reset(left)
		return false
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	return true
}
