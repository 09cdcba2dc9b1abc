package gateway

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

// Headers of the upgrade of a connection that hibernates.
const (
	headerConnection = "Session-Connection" // of the first one: its name
	headerResumed    = "Session-Resumed"    // of the others: the same name
)

// agreed are the headers of an answer to an upgrade that each pod must give as the first did: the client knows those.
var agreed = []string{"Sec-Websocket-Accept", "Sec-Websocket-Protocol", "Sec-Websocket-Extensions"}

// christen gives a connection a name, and offers the pod no extension: what two ends have agreed on in one, as a compression's
// dictionary, the next pod does not know.
func christen(h http.Header) {
	h.Set(headerConnection, rand.Text())
	h.Del("Sec-Websocket-Extensions")
}

// sleep keeps the client's connection until there is a pod for it again. Nil: it ended.
func (t *tunnel) sleep() *podEnd {
	d := t.dormancy
	d.fallAsleep()
	leave := d.gateway.sleepers.enter(d)
	defer leave()
	for {
		wake := false
		select {
		case <-t.gone:
			return nil
		case <-t.upgrades.closing():
			t.end(nil, websocket.CloseGoingAway, "")
			return nil
		case <-t.expired:
			t.end(nil, websocket.ClosePolicy, reasonExpired)
			return nil
		case <-d.roused:
		case <-d.wanted:
			wake = true
		}
		pod, err := t.resume(wake)
		if err != nil {
			t.refuse(err)
			return nil
		}
		if pod != nil {
			return pod
		}
	}
}

// refuse tells the client why its session does not come back.
func (t *tunnel) refuse(err error) {
	p := &answer.Problem{Reason: answer.ReasonInternal}
	errors.As(err, &p)
	code := uint16(websocket.CloseInternalError)
	switch p.Code() {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests, http.StatusGatewayTimeout:
		code = websocket.CloseTryAgainLater
	}
	t.end(nil, code, string(p.Reason))
}

// resume opens the pod's side again. Neither a pod nor an error: the session sleeps, or the connection has ended.
func (t *tunnel) resume(wake bool) (*podEnd, error) {
	d := t.dormancy
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var pod *podEnd
	var err error
	done := make(chan struct{})
	go func() {
		defer close(done)
		pod, err = d.reopen(ctx, wake)
	}()
	select {
	case <-done:
	case <-t.gone:
		cancel()
	case <-t.upgrades.closing():
		cancel()
	case <-t.expired: // it wakes nobody any more
		cancel()
	}
	<-done
	switch {
	case pod != nil:
		t.takeUp(pod)
		return pod, nil
	case ctx.Err() != nil, errors.Is(err, errUnpublished):
		return nil, nil
	}
	return nil, err
}

// takeUp goes on with a pod that has taken the connection up.
func (t *tunnel) takeUp(pod *podEnd) {
	late := time.AfterFunc(partTime, func() { _ = pod.Close() }) // if it takes nothing
	defer late.Stop()
	t.dormancy.gateway.Metrics.resumed.Inc()
	t.front.Reopen()
	t.join(pod)
	t.dormancy.deliver(pod)
}

// reopen asks the session for the upgrade again. If it is not to be woken, and sleeps, the error is errUnpublished.
func (d *dormancy) reopen(ctx context.Context, wake bool) (*podEnd, error) {
	for range maxSends {
		s, err := d.seat(ctx, wake)
		if err != nil {
			return nil, err
		}
		pod, err := d.ask(ctx, s)
		s.waking.leave(err)
		if !errors.Is(err, errUnwritten) {
			return pod, err
		}
		d.gateway.Metrics.resends.Inc()
	}
	return nil, &answer.Problem{Reason: answer.ReasonPodUnreachable, Outcome: answer.OutcomeNotSent}
}

// seat is one at the session as it is now, or as soon as it has woken.
func (d *dormancy) seat(ctx context.Context, wake bool) (seat, error) {
	g := d.gateway
	if wake {
		return g.wake(ctx, d.target, g.Now())
	}
	visit, ok, err := g.enter(d.target)
	if err != nil {
		return seat{}, err
	}
	if !ok {
		return seat{}, errUnpublished
	}
	if visit.Pod().UID != d.shunned() {
		ctx, cancel := context.WithTimeout(ctx, d.target.WakeTimeout)
		defer cancel()
		free := func() error { return nil } // it waits anyway
		l, err := g.pods.connect(ctx, visit.Pod().UID, paths{identity: d.target.IdentityPath, ready: d.target.ReadyPath}, free)
		if err == nil {
			return seat{visit: visit, link: l}, nil
		}
	}
	visit.Leave()
	return seat{}, errUnpublished
}

// ask makes the first request again, to the pod at the seat. It uses the seat up.
func (d *dormancy) ask(ctx context.Context, s seat) (*podEnd, error) {
	x := &exchange{gateway: d.gateway, target: d.target, seat: s, in: d.request, start: s.link.conn.written.Load()}
	defer x.leave()
	if s.link.h2c {
		return nil, &answer.Problem{Reason: answer.ReasonBadAnswer, Detail: "the pod speaks HTTP/2 now, in which there is no upgrade"}
	}
	x.sent = true
	ctx, cancel := context.WithTimeout(ctx, d.target.WakeTimeout)
	defer cancel()
	res, err := s.link.http.RoundTrip(d.again(ctx, s.visit))
	switch {
	case ctx.Err() != nil:
		return nil, &answer.Problem{Reason: answer.ReasonWakeTimeout, Outcome: answer.OutcomeUnknown}
	case err != nil:
		return nil, x.classify(err)
	}
	x.hear(res.Header)
	if !d.agrees(res) {
		_ = res.Body.Close()
		return nil, &answer.Problem{Reason: answer.ReasonBadAnswer, Detail: "to an upgrade that opens a connection again: " + res.Status}
	}
	early, err := s.link.unread(res)
	if err != nil {
		return nil, x.classify(err)
	}
	x.seated = true
	return newPodEnd(s, early), nil
}

// again is the first request, for the pod of a visit.
func (d *dormancy) again(ctx context.Context, v *directory.Visit) *http.Request {
	r := d.request.Clone(ctx)
	r.URL.Host = v.Pod().UID + ":80"
	r.Header.Set(headerEpoch, strconv.FormatInt(v.Epoch(), 10))
	r.Header.Set(headerResumed, r.Header.Get(headerConnection))
	r.Header.Del(headerConnection)
	return r
}

// agrees says whether a pod takes the connection up as the first one did.
func (d *dormancy) agrees(res *http.Response) bool {
	for _, name := range agreed {
		if res.Header.Get(name) != d.answer.Get(name) {
			return false
		}
	}
	return websocket.Joined(res)
}

// shunned is the UID of a pod that is dead.
func (d *dormancy) shunned() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.dead
}
