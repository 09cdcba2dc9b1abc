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
	attempt := func() (net.Conn, error) {
		c, _, err := ps.dialPod(ctx, p.uid)
		return c, err
	}
	c, err := behindGate(ctx, p, hold, attempt, attempt)
	if last := p.lastTrouble(); err != nil && ctx.Err() != nil && last != nil {
		return nil, &notOpenError{err, last}
	}
	return c, err
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
