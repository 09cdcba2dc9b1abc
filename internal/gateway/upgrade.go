package gateway

import (
	"bufio"
	"errors"
	"io"
	"maps"
	"net/http"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// errUpgraded is the end of httputil's part in a request: both ends are a tunnel from now on.
var errUpgraded = errors.New("upgraded")

// longAgo is a deadline that has passed.
var longAgo = time.Unix(1, 0)

// upgrade passes on the answer that switches protocols, and leaves both connections and the visit to a tunnel, which goes on when the
// request is over.
func (x *exchange) upgrade(w http.ResponseWriter, res *http.Response) error {
	defer func() {
		if !x.seated {
			_ = x.seat.link.conn.Close()
		}
	}()
	early, err := x.seat.link.unread(res)
	if err != nil {
		return &answer.Problem{Reason: answer.ReasonPodDied, Outcome: answer.OutcomeUnknown}
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return answer.ErrClientGone
	}
	maps.Copy(w.Header(), res.Header)
	res.Header, res.Body = w.Header(), nil
	t := newTunnel(&x.gateway.upgrades, conn)
	t.tally = newTally(x.gateway, x.in, x.target)
	if x.offered != nil {
		t.dormancy = newDormancy(x.gateway, x.target, x.offered, res.Header.Clone())
	}
	if err := errors.Join(res.Write(buffered), buffered.Flush()); err != nil {
		_ = conn.Close()
		t.upgrades.leave()
		return answer.ErrClientGone
	}
	if until := x.target.Caller.Until; !until.IsZero() {
		t.expires(until.Sub(x.gateway.Now()))
	}
	x.seated = true
	t.start(newPodEnd(x.seat, early), unreadOf(buffered.Reader))
	return nil
}

// unread takes the link out of net/http's hands, with what the pod has said behind its answer so far.
func (l *link) unread(res *http.Response) ([]byte, error) {
	pod := res.Body
	if err := l.conn.SetReadDeadline(longAgo); err != nil { // so that only what is buffered comes
		return nil, err
	}
	early, _ := io.ReadAll(pod) // an end of the connection comes again
	return early, l.conn.SetReadDeadline(time.Time{})
}

// unreadOf is what the client has said behind its request so far.
func unreadOf(r *bufio.Reader) []byte {
	p, _ := r.Peek(r.Buffered())
	return append([]byte(nil), p...)
}
