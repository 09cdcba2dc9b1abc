package sessionapi

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

const (
	// maxCalls is how many calls are at work in one gateway: each costs the API server a request or two.
	maxCalls = 128
	// maxCreates is how many calls are that make a session. They are as slow as their clients write.
	maxCreates = 128
	// maxBatches is how many batches are, each of which makes eight sessions at once.
	maxBatches = 16
	// maxSelfCalls is how many calls of pods are: a pod that cannot say that it is busy is put to sleep.
	maxSelfCalls = 128
	// maxWaits is how many calls wait for a session to wake.
	maxWaits = 1000
	// maxWatches is how many watches there are. Each has one of the API server.
	maxWatches = 256
	// beat is the time between two signs of life of a watch that has no news.
	beat = 15 * time.Second
)

// Sessions is what the API needs of the sessions around it. Its errors are a *answer.Problem, a *directory.Refusal or ctx's.
type Sessions interface {
	// Template is what is known of a template that is sound.
	Template(namespace, name string) (resolve.Template, bool)
	// Look reads a session from the API server. It wakes nothing.
	Look(ctx context.Context, t *resolve.Target) (client.Session, error)
	// Make makes a session. One that is there is no error if it is what n says, as far as n says it.
	Make(ctx context.Context, t *resolve.Target, n client.Spec) (s client.Session, made bool, err error)
	// Touch sees to it that the session is wanted, and does not wait for it.
	Touch(ctx context.Context, w directory.Wish) error
	// Wake does, and returns nil when the session may be reachable.
	Wake(ctx context.Context, w directory.Wish) error
	// Sleep lets a session that is up fall asleep as soon as nobody is there.
	Sleep(ctx context.Context, t *resolve.Target) error
	// Delete begins the end of a session, and gives it as it is then. Of another UID than the one given, if one is, it does not.
	Delete(ctx context.Context, t *resolve.Target, uid string) (client.Session, error)
	// Watch tells the session as it is, and then each change, until ctx ends or tell fails, or else why it cannot go on: a Refusal of
	// the kind NotFound when there is none, or none any more.
	Watch(ctx context.Context, t *resolve.Target, tell func(client.Session) error) error
}

// Authorize says who calls, or why that one may not do it: a *answer.Problem. The template in the target has only its names where the
// gateway knows no more of it.
type Authorize func(r *http.Request, t *resolve.Target, v access.Verb) (access.Caller, error)

// API is the handler of all paths below client.Root. Sessions and Authorize are required; the fields must not change after the first call.
type API struct {
	Sessions  Sessions
	Authorize Authorize
	// AllowWake says why one of whom nothing is known may not wake the session now, whose template lets it: it has woken too many. Nil: it may.
	AllowWake func(*resolve.Target) error
	// Foreign says whether a page of another host has a browser make a call that changes something. Nil: none does.
	Foreign func(*http.Request) bool
	// Pods answers the calls of pods; nil: none are answered.
	Pods Pods
	// Open says that whoever reaches this gateway is trusted: also one whom nobody knows may say on whose account a session is made.
	Open bool
	// Ending is closed when the gateway is about to end: watches end then. Nil: never.
	Ending <-chan struct{}
	// MaxWatches bounds the watches; zero: 256.
	MaxWatches int
	// Beat is the time between two signs of life of a watch without news; zero: 15 s.
	Beat time.Duration

	once sync.Once
	// Who is slow is in the way of his like alone.
	calls, creates, batches, selfs, waits, watches places
}

// ServeHTTP answers a call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.once.Do(a.prepare)
	w.Header().Set("Cache-Control", "no-store")
	err := a.serve(w, r)
	switch {
	case err == nil:
	case r.Context().Err() != nil:
		panic(http.ErrAbortHandler) // nobody is there to read it
	default:
		answer.Write(w, err)
	}
}

func (a *API) prepare() {
	a.calls = newPlaces("sessionAPI.calls", maxCalls)
	a.creates = newPlaces("sessionAPI.creates", maxCreates)
	a.selfs = newPlaces("sessionAPI.selfCalls", maxSelfCalls)
	a.batches = newPlaces("sessionAPI.batches", maxBatches)
	a.waits = newPlaces("sessionAPI.waits", maxWaits)
	if a.MaxWatches == 0 {
		a.MaxWatches = maxWatches
	}
	a.watches = newPlaces("sessionAPI.watches", a.MaxWatches)
	if a.Beat == 0 {
		a.Beat = beat
	}
}

func (a *API) serve(w http.ResponseWriter, r *http.Request) error {
	c, err := parse(r)
	if err != nil {
		return err
	}
	h, err := find(w.Header(), c.shape, r.Method)
	if err != nil {
		return err
	}
	if h.early {
		if err := hear(w, r); err != nil {
			return err
		}
	}
	places := h.places(a, r)
	if err := places.take(); err != nil {
		return err
	}
	defer places.leave()
	return h.do(a, w, r, c)
}

// places bounds how many do something at once.
type places struct {
	limit string
	free  chan struct{}
}

func newPlaces(limit string, n int) places { return places{limit, make(chan struct{}, n)} }

func (p places) take() error {
	select {
	case p.free <- struct{}{}:
		return nil
	default:
		return &answer.Problem{Reason: answer.ReasonTooManyWaiting, Limit: p.limit, RetryAfter: time.Second}
	}
}

func (p places) leave() { <-p.free }

// reply writes what v is as JSON.
func reply(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil { // texts, numbers and times only
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
	return nil
}
