package gateway

import (
	"errors"
	"net/http"
	"net/http/httptrace"
	"slices"
	"time"

	"golang.org/x/net/http2"
)

// goneAway is what net/http says of a request that a server refused when it said GOAWAY: its stream is behind the last one that
// the server will look at. The error has no name there.
const goneAway = "http2: Transport received Server's graceful shutdown GOAWAY"

// share lets other requests use a link beside the one that has it, if it speaks HTTP/2.
func (p *pod) share(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.h2c && !p.gone {
		p.many = append(p.many, l)
	}
}

// takeShared gives a link that speaks HTTP/2 and has room for one more request, or nil.
func (p *pod) takeShared() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.many {
		if !l.usable() {
			continue
		}
		l.uses++
		p.users++
		if l.rest != nil {
			l.rest.Stop()
		}
		return l
	}
	return nil
}

// leave is release, for one of the requests that share a link. The last one closes it if it can take no other, or begins its rest.
func (l *link) leave() {
	if l.pod.part(l) {
		l.close()
	}
}

// part takes a request off a link, and says whether that is to be closed.
func (p *pod) part(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.users--
	l.uses--
	if l.uses > 0 {
		return false
	}
	if p.gone || l.http.Available() == 0 {
		p.many = slices.DeleteFunc(p.many, func(o *link) bool { return o == l })
		return true
	}
	if l.rest == nil {
		l.rest = time.AfterFunc(p.idleFor, l.expire)
		return false
	}
	l.rest.Reset(p.idleFor)
	return false
}

// idleShared takes out the links that speak HTTP/2 and have no request. The pod's lock is held.
func (p *pod) idleShared() []*link {
	var idle, busy []*link
	for _, l := range p.many {
		if l.uses == 0 {
			idle = append(idle, l)
			continue
		}
		busy = append(busy, l)
	}
	p.many = busy
	return idle
}

// removeIdle takes one such link out, if it is there.
func (p *pod) removeIdle(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.many, l)
	if i < 0 || l.uses > 0 {
		return false
	}
	p.many = slices.Delete(p.many, i, i+1)
	return true
}

// trace notes when the headers of a request are written to a link that other requests write to as well.
func (x *exchange) trace(r *http.Request) *http.Request {
	return r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteHeaders: func() { x.wrote.Store(true) }}))
}

// unwritten says of a request that failed whether the pod got nothing of it; or, in HTTP/2, whether the pod said that it has not
// looked at it, and will not.
func (x *exchange) unwritten(err error) bool {
	if !x.seat.link.h2c {
		return x.seat.link.conn.written.Load() == x.start
	}
	var stream http2.StreamError
	refused := errors.As(err, &stream) && stream.Code == http2.ErrCodeRefusedStream
	return refused || !x.wrote.Load() || err != nil && err.Error() == goneAway
}
