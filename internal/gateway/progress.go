package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/page"
)

// heartbeat is how often a stream says that it is there: before Stall and before the idle time-outs of proxies are over.
const heartbeat = 15 * time.Second

// The events of a stream. Their data is a page.Face.
const (
	eventProgress = "progress" // the session is on its way
	eventReady    = "ready"    // it takes requests
	eventFailed   = "failed"   // it does not come: the end
)

// progress waits for the session of a request as that request would, and tells meanwhile what it waits for. It counts as a
// held request, and ends with the wake.
func (g *Gateway) progress(w http.ResponseWriter, r *http.Request) {
	target, err := g.followed(r)
	if err != nil {
		g.answer(w, r, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	s := &eventStream{to: w, control: http.NewResponseController(w), broken: cancel}
	s.begin()
	var told sync.WaitGroup
	told.Go(func() { g.tell(ctx, s, target) })
	seat, err := g.wake(ctx, target, g.Now())
	gone := ctx.Err() != nil
	cancel()
	told.Wait()
	switch {
	case err == nil:
		seat.link.http.Release() // of an H2C connection: no request is to come
		seat.link.release()
		seat.visit.Leave()
		seat.waking.leave(nil)
		s.say(eventReady, page.Face{})
	case !gone:
		s.fail(err)
	}
}

// followed is the session of the request that a stream is for. It is found by the routes, from this request with the other's
// path and query in it, so that a stream leads nowhere that a request does not.
func (g *Gateway) followed(r *http.Request) (*resolve.Target, error) {
	of := r.URL.Query().Get("of")
	u, err := url.ParseRequestURI(of)
	if err != nil || !strings.HasPrefix(of, "/") || strings.HasPrefix(u.Path, WellKnown) {
		return nil, &answer.Problem{Reason: answer.ReasonNoRoute}
	}
	request := r.Clone(r.Context())
	request.URL, request.RequestURI = u, of
	t, err := g.locate(request)
	if err == nil && t.Quiet != nil {
		err = t.Quiet
	}
	if err == nil {
		t.Patience = t.WakeTimeout
	}
	return t, err
}

// tell says how the session comes on, each time that changes, until the context ends or the gateway does.
func (g *Gateway) tell(ctx context.Context, s *eventStream, t *resolve.Target) {
	var changed <-chan struct{}
	look := func() *answer.Problem { return delayOf(t, directory.View{}) }
	if g.Await != nil {
		waiter := g.Await(t.Wish())
		defer waiter.Done()
		look = func() (p *answer.Problem) {
			v, next := waiter.Look()
			changed = next
			return delayOf(t, v)
		}
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		s.say(eventProgress, answer.FaceOf(look()))
		select {
		case <-ctx.Done():
			return
		case <-g.upgrades.closing(): // another gateway goes on: the browser connects again
			s.broken()
			return
		case <-changed:
		case <-beat.C:
			s.write(": still there\n\n")
		}
	}
}

// eventStream is an answer of server-sent events. One goroutine at a time uses it.
type eventStream struct {
	to      http.ResponseWriter
	control *http.ResponseController
	broken  func() // called when the client takes nothing any more
	last    page.Face
}

func (s *eventStream) begin() {
	h := s.to.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // for nginx before us
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set(answer.HeaderReason, string(answer.ReasonWaking))
	s.write("retry: 1000\n\n")
}

// say sends an event, unless it is progress that was told already.
func (s *eventStream) say(event string, f page.Face) {
	if event == eventProgress && reflect.DeepEqual(f, s.last) {
		return
	}
	s.last = f
	data, err := json.Marshal(f)
	if err != nil { // strings and numbers only
		panic(err)
	}
	s.write("event: " + event + "\ndata: " + string(data) + "\n\n")
}

func (s *eventStream) fail(err error) {
	var p *answer.Problem
	if !errors.As(err, &p) {
		p = &answer.Problem{Reason: answer.ReasonInternal}
	}
	s.say(eventFailed, answer.FaceOf(p))
}

func (s *eventStream) write(text string) {
	_, err := s.to.Write([]byte(text))
	if err == nil {
		err = s.control.Flush()
	}
	if err != nil {
		s.broken()
	}
}
