package gateway

import (
	"context"
	"io"
	"net"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// pass carries bytes between a client and a pod until both have ended their halves, one of them breaks off, the visit must end, or the
// context does. The kernel moves them where both are TCP. What ends it is a Problem if it was neither of the two. When the pod has ended
// its half, the client has Stall for the rest of its own: a client that forgets to close must not keep its session awake for ever.
func (g *Gateway) pass(ctx context.Context, client *rawClient, pod net.Conn, visit *directory.Visit, v *rawVisit) error {
	visit.Upgraded()
	n, err := pod.Write(client.sent)
	v.received = int64(n)
	client.sent = nil
	if err != nil {
		return &Problem{Reason: ReasonPodDied, Outcome: OutcomeUnknown}
	}
	ended := make(chan struct{})
	watched := make(chan error, 1)
	go func() { watched <- watchRaw(ctx, visit, ended, client, pod) }()
	back := make(chan struct{})
	go func() {
		defer close(back)
		v.sent = half(client.Conn, pod)
		_ = client.SetReadDeadline(g.Now().Add(g.Stall))
	}()
	v.received += half(pod, client.Conn)
	<-back
	close(ended)
	return <-watched
}

// watchRaw cuts a connection off when it must end. It is told when it has ended by itself.
func watchRaw(ctx context.Context, visit *directory.Visit, ended <-chan struct{}, ends ...io.Closer) error {
	var err error
	select {
	case <-ended:
		return nil
	case <-visit.Closing():
		err = &Problem{Reason: ReasonGone, Outcome: OutcomeUnknown}
	case <-ctx.Done():
		err = &Problem{Reason: ReasonUnavailable, Outcome: OutcomeUnknown}
	}
	for _, e := range ends {
		_ = e.Close()
	}
	return err
}

// half carries one direction until its end, and passes that on. What breaks off ends the other direction too.
func half(to, from net.Conn) int64 {
	n, err := io.Copy(to, from)
	if err == nil {
		err = closeWrite(to)
	}
	if err != nil {
		_ = to.Close()
		_ = from.Close()
	}
	return n
}

// closeWrite ends the half of a connection that we write; the other one goes on.
func closeWrite(c net.Conn) error {
	if half, ok := c.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return c.Close()
}
