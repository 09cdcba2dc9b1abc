package gateway

import (
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptrace"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/grpc"
)

// goneAway is what net/http says of a request that a server refused when it said GOAWAY: its stream is behind the last one that
// the server will look at. The error has no name there.
const goneAway = "http2: Transport received Server's graceful shutdown GOAWAY"

// greetingTimeout is how long a pod has to say how many requests it takes on one connection. Who says nothing takes 100, as far as
// net/http knows.
const greetingTimeout = 100 * time.Millisecond

// greeting is what a server of HTTP/2 says first: how many requests it takes on one connection. As long as that is not known,
// nobody else may share the connection: who finds no room there waits, and does not look for another one.
type greeting struct {
	once  sync.Once
	reads atomic.Int32
	over  chan struct{} // closed when it was read
}

// heard is called before and after each read. Who reads a second time has looked at what the first one brought.
func (g *greeting) heard(failed bool) {
	if g == nil {
		return
	}
	if failed || g.reads.Add(1) == 3 {
		g.once.Do(func() { close(g.over) })
	}
}

// await waits for the greeting.
func (g *greeting) await() {
	if g == nil {
		return
	}
	late := time.NewTimer(greetingTimeout)
	defer late.Stop()
	select {
	case <-g.over:
	case <-late.C:
	}
}

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

// shared is a request for a link that others use as well. It notes when its headers are written.
func (x *exchange) shared(r *http.Request) *http.Request {
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{WroteHeaders: func() { x.wrote.Store(true) }}))
	if x.body != nil {
		x.body.enter(func() { _ = x.control.SetReadDeadline(x.gateway.Now()) })
		r.Body = sharedBody{clientBody: x.body, client: x.in.Context()}
	}
	return r
}

// sharedBody is a body that net/http can let go of while it waits for the client: before it has, there is no answer to a request
// that the pod has refused or broken off. The Close that httputil gives it does nothing.
type sharedBody struct {
	*clientBody
	client context.Context
}

// Close ends a Read that waits, unless it has ended by the client's doing.
func (b sharedBody) Close() error {
	if b.client.Err() == nil {
		b.stop()
	}
	return nil
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

// badAnswer is a pod whose answer is not one. A stream that it cancels, of a gRPC request that has a time-out, is one whose time is over:
// it ends a moment before the client's, which would find that out for itself.
func (x *exchange) badAnswer(err error) *answer.Problem {
	p := &answer.Problem{Reason: answer.ReasonBadAnswer, Detail: err.Error(), Outcome: answer.OutcomeUnknown}
	var stream http2.StreamError
	if errors.As(err, &stream) && stream.Code == http2.ErrCodeCancel && grpc.Patience(x.in) < math.MaxInt64 {
		p.Status, p.Detail = http.StatusGatewayTimeout, "the pod gave up, because the time of "+grpc.HeaderTimeout+" was over"
	}
	return p
}
