package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

const (
	// maxSends is how often a request is sent of which no pod got a byte.
	maxSends = 3
	// maxRounds is how often a session may come and go while one request waits for it.
	maxRounds = 10
	// retryUnsettled is what a request is told that has seen it come and go that often.
	retryUnsettled = time.Second
)

// seat is what a request has that goes to a pod: its visit, and a connection.
type seat struct {
	visit  *directory.Visit
	link   *link
	waited time.Duration // for the session to wake; zero: it was awake
	waking *waking       // which the request has a part in; nil: it was awake
}

// serve is the road.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	if err := g.road(w, r); err != nil {
		g.Metrics.refused(err)
		g.answer(w, r, err)
	}
}

func (g *Gateway) road(w http.ResponseWriter, r *http.Request) error {
	target, err := g.locate(r)
	if err != nil {
		return err
	}
	entry := entryOf(w)
	entry.target = target
	began := g.Now()
	for range maxSends {
		s, err := g.wake(r.Context(), target, began)
		entry.waited = max(entry.waited, s.waited)
		if err != nil {
			return timed(w, s.waited, err)
		}
		entry.sits(s)
		err = g.send(w, r, target, s)
		if !errors.Is(err, errUnwritten) {
			return err
		}
		g.Metrics.resends.Inc()
	}
	return &answer.Problem{Reason: answer.ReasonPodUnreachable, Outcome: answer.OutcomeNotSent}
}

// send forwards, and ends the request's part in the wake.
func (g *Gateway) send(w http.ResponseWriter, r *http.Request, t *resolve.Target, s seat) (err error) {
	defer func() { s.waking.leave(err) }()
	return g.forward(w, r, t, s)
}

// locate finds the session that a request is for, how long the request is held for it, and who sent it, if that one may use it.
func (g *Gateway) locate(r *http.Request) (*resolve.Target, error) {
	if err := screen(r); err != nil {
		return nil, err
	}
	t, err := g.Table.Resolve(r)
	if err != nil {
		return nil, err
	}
	if answer.Navigates(r) {
		t.Paged, t.Patience = true, min(t.Patience, pagePatience)
	}
	t.Caller, err = g.Recognize(r, t)
	return t, err
}

// wake gives a seat at the session: at once if it is awake, or when it has woken. began is when the request came.
func (g *Gateway) wake(ctx context.Context, t *resolve.Target, began time.Time) (seat, error) {
	if err := g.Barred(t); err != nil {
		return seat{}, err
	}
	if s, ok := g.hit(t); ok {
		return s, nil
	}
	wait, cancel := g.waits(ctx, t.Patience-g.Now().Sub(began))
	defer cancel()
	ticket := g.room.admit(t)
	ticket.span = trace.SpanFromContext(ctx)
	defer ticket.leave()
	s, err := g.await(wait, t, ticket)
	if err != nil {
		err = g.delayed(t, refused(ctx, wait, t, err))
	}
	if ticket.taken {
		s.waited = g.Now().Sub(began)
		g.Metrics.woken(s.waited, err)
	}
	if err != nil {
		ticket.waking.leave(err)
		return s, err
	}
	s.waking = ticket.waking
	return s, nil
}

// hit is the short way: the session is awake, and there is a connection to it.
func (g *Gateway) hit(t *resolve.Target) (seat, bool) {
	visit, ok, err := g.enter(t)
	if !ok || err != nil {
		return seat{}, false
	}
	if l := g.pods.idle(visit.Pod().UID); l != nil {
		return seat{visit: visit, link: l}, true
	}
	visit.Leave()
	return seat{}, false
}

// await looks for the session, and wakes it, until it is there.
func (g *Gateway) await(ctx context.Context, t *resolve.Target, ticket *ticket) (seat, error) {
	visit, l, err := visitWith(ctx, g, t, ticket, func(podUID string) (*link, error) {
		return g.pods.connect(ctx, podUID, paths{identity: t.IdentityPath, ready: t.ReadyPath}, ticket.hold)
	})
	return seat{visit: visit, link: l}, err
}

// visitWith gives a visit at the session, and a connection to its pod, as soon as both are there.
func visitWith[C any](ctx context.Context, g *Gateway, t *resolve.Target, ticket *ticket, connect func(podUID string) (C, error)) (_ *directory.Visit, none C, err error) {
	there := false
	for range maxRounds {
		visit, ok, err := g.enter(t)
		if err != nil {
			return nil, none, err
		}
		if there = ok; !ok {
			if err := g.call(ctx, t, ticket); err != nil {
				return nil, none, err
			}
			continue
		}
		ticket.waking.reached(phasePod)
		c, err := connect(visit.Pod().UID)
		if err == nil {
			ticket.waking.reached(phaseDial)
			return visit, c, nil
		}
		visit.Leave()
		if !errors.Is(err, errUnpublished) {
			return nil, none, err
		}
	}
	if there { // to a gateway whose view is stale it is so all the time, but that dials no pod; a wake tells
		if err := g.call(ctx, t, ticket); err != nil {
			return nil, none, err
		}
	}
	return nil, none, &answer.Problem{Reason: answer.ReasonUnsettled, Outcome: answer.OutcomeNotSent, RetryAfter: retryUnsettled}
}

// call wakes the session, if the request is one that does.
func (g *Gateway) call(ctx context.Context, t *resolve.Target, ticket *ticket) error {
	if t.Quiet != nil {
		return t.Quiet
	}
	if err := ticket.hold(); err != nil {
		return err
	}
	w, err := g.Wish(ctx, t)
	if err != nil {
		return err
	}
	return g.Sessions.Wake(ctx, w)
}
