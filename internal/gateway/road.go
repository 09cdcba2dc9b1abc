package gateway

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
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
}

// serve is the road.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request) {
	if err := g.road(w, r); err != nil {
		answer(w, err)
	}
}

func (g *Gateway) road(w http.ResponseWriter, r *http.Request) error {
	if err := screen(r); err != nil {
		return err
	}
	target, err := g.Table.Resolve(r)
	if err != nil {
		return err
	}
	began := g.Now()
	for range maxSends {
		s, err := g.wake(r.Context(), target, began)
		if err != nil {
			return timed(w, s.waited, err)
		}
		err = g.forward(w, r, target, s)
		if !errors.Is(err, errUnwritten) {
			return err
		}
		g.Metrics.resends.Inc()
	}
	return &Problem{Reason: ReasonPodUnreachable, Outcome: OutcomeNotSent}
}

// wake gives a seat at the session: at once if it is awake, or when it has woken. began is when the request came.
func (g *Gateway) wake(ctx context.Context, t Target, began time.Time) (seat, error) {
	if s, ok := g.hit(t); ok {
		return s, nil
	}
	wait, cancel := context.WithTimeout(ctx, t.WakeTimeout-g.Now().Sub(began))
	defer cancel()
	ticket := g.room.admit(t)
	defer ticket.leave()
	s, err := g.await(wait, t, ticket)
	if err != nil {
		err = refused(ctx, wait, t, err)
	}
	if ticket.taken {
		s.waited = g.Now().Sub(began)
		g.Metrics.woken(s.waited, err)
	}
	return s, err
}

// hit is the short way: the session is awake, and there is a connection to it.
func (g *Gateway) hit(t Target) (seat, bool) {
	visit, ok := g.Sessions.Enter(t.ID)
	if !ok {
		return seat{}, false
	}
	if l := g.pods.idle(visit.Pod().UID); l != nil {
		return seat{visit: visit, link: l}, true
	}
	visit.Leave()
	return seat{}, false
}

// await looks for the session, and wakes it, until it is there.
func (g *Gateway) await(ctx context.Context, t Target, ticket *ticket) (seat, error) {
	for range maxRounds {
		visit, ok := g.Sessions.Enter(t.ID)
		if !ok {
			if err := g.call(ctx, t, ticket); err != nil {
				return seat{}, err
			}
			continue
		}
		l, err := g.pods.connect(ctx, visit.Pod().UID, paths{identity: t.IdentityPath, ready: t.ReadyPath}, ticket.hold)
		if err == nil {
			return seat{visit: visit, link: l}, nil
		}
		visit.Leave()
		if !errors.Is(err, errUnpublished) {
			return seat{}, err
		}
	}
	return seat{}, &Problem{Reason: ReasonUnsettled, Outcome: OutcomeNotSent, RetryAfter: retryUnsettled}
}

// call wakes the session, if the request is one that does.
func (g *Gateway) call(ctx context.Context, t Target, ticket *ticket) error {
	if t.Quiet != nil {
		return t.Quiet
	}
	if err := ticket.hold(); err != nil {
		return err
	}
	return g.Sessions.Wake(ctx, directory.Wish{
		ID:        t.ID,
		Template:  t.Name,
		Key:       t.Key,
		Create:    t.Create,
		IdleAfter: t.IdleAfter,
	})
}
