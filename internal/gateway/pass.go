package gateway

import (
	"context"
	"errors"
	"io"
	"net"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/rawtcp"
)

// pass carries bytes between a client and a pod until both have ended their halves, one of them breaks off, the visit must end, or the
// context does. What ends it is a Problem if it was neither of the two.
func (g *Gateway) pass(ctx context.Context, client *rawtcp.Client, pod net.Conn, visit *directory.Visit, v *rawVisit) error {
	visit.Upgraded()
	ended := make(chan struct{})
	watched := make(chan error, 1)
	go func() { watched <- watchRaw(ctx, visit, ended, client, pod) }()
	passed, err := rawtcp.Pass(client, pod, moverOf(visit), func() time.Time { return g.Now().Add(g.Stall) })
	v.Passed = passed
	close(ended)
	if cut := <-watched; cut != nil {
		return cut
	}
	if err != nil {
		return &answer.Problem{Reason: answer.ReasonPodDied, Outcome: answer.OutcomeUnknown}
	}
	return nil
}

// moverOf is the kernel, unless what goes by keeps the session awake.
func moverOf(visit *directory.Visit) rawtcp.Mover {
	if !visit.CountsBytes() {
		return rawtcp.Kernel
	}
	return func(to, from net.Conn) (n int64, err error) {
		err = transfer(from, func(p []byte) error {
			visit.Needed()
			written, err := to.Write(p)
			n += int64(written)
			return err
		})
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return n, err
	}
}

// watchRaw cuts a connection off when it must end. It is told when it has ended by itself.
func watchRaw(ctx context.Context, visit *directory.Visit, ended <-chan struct{}, ends ...io.Closer) error {
	var err error
	select {
	case <-ended:
		return nil
	case <-visit.Closing():
		err = &answer.Problem{Reason: answer.ReasonGone, Outcome: answer.OutcomeUnknown}
	case <-ctx.Done():
		err = &answer.Problem{Reason: answer.ReasonUnavailable, Outcome: answer.OutcomeUnknown}
	}
	for _, e := range ends {
		_ = e.Close()
	}
	return err
}
