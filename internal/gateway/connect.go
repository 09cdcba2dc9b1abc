package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	// firstPause is between the first two attempts to reach a pod that starts; it doubles up to maxPause. A connect costs
	// some 0.1 ms, and one of all who wait for a pod knocks, so this is 1 % of a processor for each pod that starts.
	firstPause = time.Millisecond
	maxPause   = 10 * time.Millisecond
	// attemptTimeout bounds one attempt: a SYN that is lost because the pod's network is not there yet is not sent again
	// for a second.
	attemptTimeout = 100 * time.Millisecond
	// readyTimeout bounds one request to the ready path.
	readyTimeout = time.Second
	// readyBody is how many bytes of its answer are read, so that the connection can be used again.
	readyBody = 64 << 10
)

// errUnpublished is a pod that may not be dialled any more, or not by a gateway whose view is stale.
var errUnpublished = errors.New("pod is not published")

// errShut is a pod that did not take the connection of somebody else.
var errShut = errors.New("pod takes no connections")

// paths are what a pod is asked for before a request. Empty ones are not.
type paths struct {
	identity string // over each new connection
	ready    string // once for each pod
}

// connect gives a link to a pod for one request: an idle one, or a new one as soon as the pod takes connections. It calls hold
// before it waits for longer than one attempt. Its errors are errUnpublished, that of hold, and the context's.
func (ps *pods) connect(ctx context.Context, uid string, ask paths, hold func() error) (*link, error) {
	p := ps.enter(uid, ask.ready == "")
	defer p.leave()
	if l := p.take(); l != nil {
		return l, nil
	}
	l, err := ps.reach(ctx, p, ask, hold)
	if last := p.lastTrouble(); err != nil && ctx.Err() != nil && last != nil {
		return nil, &notOpenError{err, last}
	}
	return l, err
}

// notOpenError is a pod that did not open in time, and what the last attempt to reach it met.
type notOpenError struct{ cause, last error }

func (e *notOpenError) Error() string { return e.cause.Error() + ": " + e.last.Error() }
func (e *notOpenError) Unwrap() error { return e.cause }

// reach dials a pod. Behind a gate, one of all who want the pod knocks, and the others wait for the gate.
func (ps *pods) reach(ctx context.Context, p *pod, ask paths, hold func() error) (*link, error) {
	direct := func() (*link, error) { return ps.direct(ctx, p, ask.identity) }
	return behindGate(ctx, p, hold, direct, func() (*link, error) { return ps.attemptReady(ctx, p, ask) })
}

// behindGate connects directly while the pod takes connections, as far as is known. If it does not, it calls hold, and then one of all
// who want the pod knocks: it attempts until the pod opens, and opens the gate for the others.
func behindGate[C any](ctx context.Context, p *pod, hold func() error, direct, attempt func() (C, error)) (c C, err error) {
	for {
		gate := p.closedGate()
		if gate == nil {
			c, err := direct()
			if !retryable(ctx, err) {
				return c, err
			}
			gate = p.shut()
		}
		if err := hold(); err != nil {
			return c, err
		}
		select {
		case <-ctx.Done():
			return c, context.Cause(ctx)
		case <-gate:
		case p.turn <- struct{}{}:
			c, err := knock(ctx, p, attempt)
			<-p.turn
			return c, err
		}
	}
}

// direct dials a pod that takes connections, as far as is known. Only a few do so at once: where many want a pod that has just
// opened, most find a link that another gives back, and none meets a full backlog.
func (ps *pods) direct(ctx context.Context, p *pod, identity string) (*link, error) {
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-p.slots }()
	if l := p.take(); l != nil {
		return l, nil
	}
	if p.closedGate() != nil {
		return nil, errShut
	}
	l, err := ps.attempt(ctx, p, identity)
	if err == nil {
		p.share(l)
	}
	return l, err
}

// knock attempts until the pod opens, and opens the gate.
func knock[C any](ctx context.Context, p *pod, attempt func() (C, error)) (none C, err error) {
	pause := firstPause
	for {
		c, err := attempt()
		if err == nil {
			p.open()
			return c, nil
		}
		if !retryable(ctx, err) {
			return none, err
		}
		p.setTrouble(err)
		if err := sleep(ctx, pause); err != nil {
			return none, err
		}
		pause = nextPause(pause, err)
	}
}

// attemptReady is an attempt at a pod that must have answered the ready path, if there is one.
func (ps *pods) attemptReady(ctx context.Context, p *pod, ask paths) (*link, error) {
	l, err := ps.attempt(ctx, p, ask.identity)
	if err == nil && !p.isReady() {
		l, err = l.askReady(ctx, ask.ready)
	}
	if err == nil {
		p.share(l)
	}
	return l, err
}

// attempt dials once, and only if the pod is published at this moment, and asks who answers there if the pod can say it.
func (ps *pods) attempt(ctx context.Context, p *pod, identity string) (*link, error) {
	conn, to, err := ps.dialPod(ctx, p.uid)
	if err != nil {
		return nil, err
	}
	l, err := newLink(ctx, p, conn, to.H2C)
	if err != nil || identity == "" {
		return l, err
	}
	return l.askIdentity(ctx, identity, ps.metrics)
}

// retryable says whether the pod may take the next attempt. What ends with the context does not.
func retryable(ctx context.Context, err error) bool {
	return err != nil && ctx.Err() == nil && !errors.Is(err, errUnpublished)
}

// askReady asks the ready path once. The link comes back if it is good for a request.
func (l *link) askReady(ctx context.Context, path string) (*link, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return l.good(l.getReady(ctx, path))
}

// good is the link after a request of our own, if it is good for another; else it is dropped.
func (l *link) good(err error) (*link, error) {
	if err == nil && !l.usable() {
		err = errShut // the pod closed the connection after its answer
	}
	if err != nil {
		l.drop()
		return nil, err
	}
	return l, nil
}

func (l *link) getReady(ctx context.Context, path string) error {
	res, err := l.get(ctx, path)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode < 200 || res.StatusCode > 399 {
		return errors.New("not ready: " + res.Status)
	}
	l.pod.setReady()
	_, err = io.CopyN(io.Discard, res.Body, readyBody)
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// get makes a request of our own. It tells nothing of any client or session.
func (l *link) get(ctx context.Context, path string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+l.conn.RemoteAddr().String()+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", "dormouse-gateway")
	return l.http.RoundTrip(r)
}

// closedGate is nil if the pod takes connections, as far as is known.
func (p *pod) closedGate() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gate
}

func (p *pod) shut() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gate == nil {
		p.gate = make(chan struct{})
	}
	return p.gate
}

func (p *pod) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gate != nil {
		close(p.gate)
		p.gate = nil
	}
}

func (p *pod) isReady() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.ready
}

func (p *pod) lastTrouble() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trouble
}

// setTrouble notes an attempt that failed. One that ran out of time says less than one that was answered.
func (p *pod) setTrouble(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var n net.Error
	if p.trouble == nil || !errors.As(err, &n) || !n.Timeout() {
		p.trouble = err
	}
}

func (p *pod) setReady() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ready = true
}

// sleep waits, or ends with the context.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
