package gateway

import (
	"context"
	"net"
	"strconv"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// beside is how a pod says who it is that speaks no HTTP at its port: at another one. Port 0: it does not.
type beside struct {
	port int
	path string
}

// open opens a raw connection to a pod, as soon as it takes connections. As with requests, one of all who wait for a pod knocks. It
// calls hold before it waits for longer than one attempt. Its errors are those of connect.
func (ps *pods) open(ctx context.Context, uid string, ask beside, hold func() error) (net.Conn, error) {
	p := ps.enter(uid, true)
	defer p.leave()
	attempt := func() (net.Conn, error) {
		c, to, err := ps.dialPod(ctx, p.uid)
		if err != nil || ask.port == 0 {
			return c, err
		}
		if err := ps.askBeside(ctx, p, to.Address, ask); err != nil {
			_ = c.Close()
			return nil, err
		}
		return c, nil
	}
	c, err := behindGate(ctx, p, hold, attempt, attempt)
	if last := p.lastTrouble(); err != nil && ctx.Err() != nil && last != nil {
		return nil, &notOpenError{err, last}
	}
	return c, err
}

// askBeside asks who has an address that a connection is open to. A pod keeps its address from its start to its end: if it has it now, and was
// published when the connection was opened, it is the one at the other end.
func (ps *pods) askBeside(ctx context.Context, p *pod, address string, ask beside) error {
	ctx, cancel := context.WithTimeout(ctx, identityTimeout)
	defer cancel()
	c, err := ps.dial(ctx, "tcp", net.JoinHostPort(address, strconv.Itoa(ask.port)))
	ps.metrics.dialled(err)
	if err != nil {
		return err
	}
	l, err := newLink(ctx, p, c, false)
	if err != nil {
		return err
	}
	defer l.drop() // it is good for nothing else, so the pod may hang up behind its answer
	return l.identify(ctx, ask.path, ps.metrics)
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
