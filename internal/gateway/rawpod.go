package gateway

import (
	"context"
	"net"
	"strconv"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// open opens a raw connection to a pod, as soon as it takes connections. As with requests, one of all who wait for a pod knocks. It
// calls hold before it waits for longer than one attempt. Its errors are those of connect.
func (ps *pods) open(ctx context.Context, uid string, hold func() error) (net.Conn, error) {
	p := ps.enter(uid, true)
	defer p.leave()
	c, err := ps.openRaw(ctx, p, hold)
	if last := p.lastTrouble(); err != nil && ctx.Err() != nil && last != nil {
		return nil, &notOpenError{err, last}
	}
	return c, err
}

func (ps *pods) openRaw(ctx context.Context, p *pod, hold func() error) (net.Conn, error) {
	for {
		gate := p.closedGate()
		if gate == nil {
			c, _, err := ps.dialPod(ctx, p.uid)
			if !retryable(ctx, err) {
				return c, err
			}
			gate = p.shut()
		}
		if err := hold(); err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-gate:
		case p.turn <- struct{}{}:
			c, err := ps.knockRaw(ctx, p)
			<-p.turn
			return c, err
		}
	}
}

// knockRaw dials until the port opens, and opens the gate.
func (ps *pods) knockRaw(ctx context.Context, p *pod) (net.Conn, error) {
	pause := firstPause
	for {
		c, _, err := ps.dialPod(ctx, p.uid)
		if err == nil {
			p.open()
			return c, nil
		}
		if !retryable(ctx, err) {
			return nil, err
		}
		p.setTrouble(err)
		if err := sleep(ctx, pause); err != nil {
			return nil, err
		}
		pause = min(2*pause, maxPause)
	}
}

// dialPod dials once, and only if the pod is published at this moment.
func (ps *pods) dialPod(ctx context.Context, uid string) (net.Conn, directory.Pod, error) {
	to, ok := ps.address(uid)
	if !ok {
		return nil, to, errUnpublished
	}
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	c, err := ps.dial(ctx, "tcp", net.JoinHostPort(to.Address, strconv.Itoa(to.Port)))
	ps.metrics.dialled(err)
	return c, to, err
}
