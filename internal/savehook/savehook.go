// Package savehook makes the request that saves a session's state, off the reconcile: it is begun, and whoever asked is
// called when it has ended.
package savehook

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Times of saving. A failed save is tried again for as long as it takes, for state is never traded for memory.
const (
	firstRetry = time.Second
	lastRetry  = 30 * time.Second
)

// turnsAtOnce is how many of the saves that take turns are under way. A new leader finds that of each session due which nobody needs, and where they write is often
// one store.
const turnsAtOnce = 100

// Save is one save that is needed.
type Save struct {
	For     string // which drain or idle time it is for; what was saved for one counts for no other
	URL     string
	Header  http.Header
	Timeout time.Duration // of one attempt
	H2C     bool          // the pod speaks HTTP/2 without TLS
	Turn    string        // whose turn it takes, if nobody waits for it: that of a template, whose hooks may be slow; empty: it takes none
}

// State is how far a save is.
type State struct {
	Running bool
	Done    bool
	Err     error     // of the last attempt that has ended
	RetryAt time.Time // if Err: not to be begun again before this
}

// Hooks begins saves and remembers how they ended. It is safe for concurrent use.
type Hooks struct {
	HTTP http.RoundTripper
	H2C  http.RoundTripper // for pods that speak it
	Now  func() time.Time
	// Ended is called when the save of a session has ended, well or badly.
	Ended func(session types.NamespacedName)

	mu     sync.Mutex
	saves  map[types.NamespacedName]*save
	places map[string]chan struct{} // of those that take turns: taken by the ones that are under way
}

type save struct {
	State
	occasion string
	queued   bool // Running, and its turn has not come
	attempts int
	cancel   context.CancelFunc
}

// State says how far the save of a session is for a drain or an idle time. While one for another lasts, none can begin.
func (h *Hooks) State(session types.NamespacedName, occasion string) State {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.saves[session]
	switch {
	case s == nil:
		return State{}
	case s.occasion == occasion:
		return s.State
	}
	return State{Running: s.Running && !s.queued}
}

// Begin makes the request in the background, unless it was made for this drain or idle time, or one is under way for any: of two that overlap the
// older might be the last to write. Whoever wants another is told when it has ended. One for another occasion whose turn has not come gives way.
func (h *Hooks) Begin(session types.NamespacedName, want Save) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.saves[session]
	switch {
	case s == nil || !s.Running:
	case s.queued && s.occasion != want.For:
		s.cancel()
	default:
		return
	}
	if s == nil || s.occasion != want.For {
		s = &save{occasion: want.For}
	}
	if s.Done {
		return
	}
	if h.saves == nil {
		h.saves, h.places = map[types.NamespacedName]*save{}, map[string]chan struct{}{}
	}
	places := h.placesOf(want.Turn)
	ctx, cancel := context.WithCancel(context.Background())
	s.State, s.queued, s.cancel = State{Running: true, Err: s.Err}, want.Turn != "", cancel
	h.saves[session] = s
	go func() {
		defer cancel()
		h.end(session, s, h.inTurn(ctx, places, s, want))
	}()
}

func (h *Hooks) placesOf(turn string) chan struct{} {
	if h.places[turn] == nil {
		h.places[turn] = make(chan struct{}, turnsAtOnce)
	}
	return h.places[turn]
}

// inTurn makes the request when its turn comes.
func (h *Hooks) inTurn(ctx context.Context, places chan struct{}, s *save, want Save) error {
	if want.Turn != "" {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		defer func() { <-places }()
		h.mu.Lock()
		s.queued = false // if it has given way at this moment, its context is done, and nothing is sent
		h.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(ctx, want.Timeout)
	defer cancel()
	return h.post(ctx, want)
}

// HTTP speaks HTTP/1.1. It goes to pods, past any proxy, and keeps no connection: the address may be another pod's by the next save.
func HTTP() http.RoundTripper { return &http.Transport{DisableKeepAlives: true} }

// H2C speaks HTTP/2 without TLS, and nothing else, likewise.
func H2C() http.RoundTripper {
	protocols := &http.Protocols{}
	protocols.SetUnencryptedHTTP2(true)
	return &http.Transport{Protocols: protocols, DisableKeepAlives: true}
}

// Forget drops what is remembered of a session, and breaks off what is under way.
func (h *Hooks) Forget(session types.NamespacedName) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.saves[session]; s != nil {
		s.cancel()
		delete(h.saves, session)
	}
}

func (h *Hooks) end(session types.NamespacedName, s *save, err error) {
	h.mu.Lock()
	s.attempts++
	s.State = State{Done: err == nil, Err: err}
	if err != nil {
		s.RetryAt = h.Now().Add(retry(s.attempts))
	}
	current := h.saves[session] == s
	h.mu.Unlock()
	if current {
		h.Ended(session)
	}
}

// retry is the wait after so many failed attempts: 1 s, doubling, at most 30 s.
func retry(attempts int) time.Duration {
	wait := firstRetry
	for i := 1; i < attempts && wait < lastRetry; i++ {
		wait *= 2
	}
	return min(wait, lastRetry)
}

// post makes the request, once: what answers with a redirect has saved nothing, and nothing that a pod says is called.
func (h *Hooks) post(ctx context.Context, want Save) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, want.URL, http.NoBody)
	if err != nil {
		return err
	}
	maps.Copy(req.Header, want.Header)
	pod := h.HTTP
	if want.H2C {
		pod = h.H2C
	}
	resp, err := pod.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	words, _ := io.ReadAll(io.LimitReader(resp.Body, 256)) // only for the message
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("save answered %d: %s", resp.StatusCode, words)
	}
	return nil
}
