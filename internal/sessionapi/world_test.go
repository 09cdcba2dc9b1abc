package sessionapi_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/key"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// world is an API on a real listener, over sessions that are a map.
type world struct {
	t    testing.TB
	api  *sessionapi.API
	base string

	mu       sync.Mutex
	sessions map[directory.ID]client.Session
	touched  []directory.Wish
	slept    []string
	making   int // at this moment
	most     int // at once
	hold     chan struct{}
	onWake   func(context.Context) error
	news     chan client.Session
	pods     map[string]sessionapi.Pod // by token
	busy     time.Duration
	create   bool // key.onMissing
	access   *access.Policy
}

func newWorld(t testing.TB, change ...func(*world)) *world {
	w := &world{t: t, sessions: map[directory.ID]client.Session{}, news: make(chan client.Session), pods: map[string]sessionapi.Pod{}, create: true}
	w.api = &sessionapi.API{Sessions: w, Authorize: sessionapi.AsAnyone(false), Pods: fakePods{w}}
	for _, c := range change {
		c(w)
	}
	server := httptest.NewServer((&gateway.Gateway{Now: time.Now, Log: slog.New(slog.DiscardHandler), API: w.api}).Handler())
	t.Cleanup(server.Close)
	w.base = server.URL
	return w
}

func open(w *world) { w.api.Open, w.api.Authorize = true, sessionapi.AsAnyone(true) }

func (w *world) Template(namespace, name string) (resolve.Template, bool) {
	pattern, err := key.Pattern(`(?s)[^!].*`)
	if err != nil {
		panic(err)
	}
	t := resolve.Template{Namespace: namespace, Name: name, Pattern: pattern, Create: w.create, Access: w.access, WakeTimeout: 50 * time.Millisecond, IdleAfter: time.Minute}
	return t, name == "chess"
}

func missing() error {
	return &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound", Message: "There is no session of this key."}
}

func (w *world) Look(_ context.Context, t *resolve.Target) (client.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.sessions[t.ID]
	if !ok {
		return s, missing()
	}
	return s, nil
}

func (w *world) Make(ctx context.Context, t *resolve.Target, n client.Spec) (client.Session, bool, error) {
	w.mu.Lock()
	w.making++
	w.most = max(w.most, w.making)
	hold := w.hold
	w.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.making--
	if ctx.Err() != nil {
		return client.Session{}, false, ctx.Err()
	}
	if t.Key == "full" {
		return client.Session{}, false, &directory.Refusal{Kind: directory.TooFast, Reason: "limits.createsPerMinute", RetryAfter: 3 * time.Second}
	}
	if s, ok := w.sessions[t.ID]; ok {
		if n.Tenant != s.Tenant {
			return s, false, &answer.Problem{Reason: answer.ReasonExists, Cause: "tenant"}
		}
		return s, false, nil
	}
	s := client.Session{Namespace: t.Namespace, Template: t.Name, Key: t.Key, Name: t.ID.Name, UID: "uid-" + t.ID.Name, Version: "1", Tenant: n.Tenant, Alarms: n.Alarms}
	w.sessions[t.ID] = s
	return s, true, nil
}

func (w *world) Touch(_ context.Context, wish directory.Wish) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touched = append(w.touched, wish)
	return nil
}

func (w *world) Wake(ctx context.Context, wish directory.Wish) error {
	_ = w.Touch(ctx, wish)
	if w.onWake != nil {
		return w.onWake(ctx)
	}
	return nil
}

func (w *world) Sleep(_ context.Context, t *resolve.Target) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.slept = append(w.slept, t.Key)
	return nil
}

func (w *world) Delete(ctx context.Context, t *resolve.Target, uid string) (client.Session, error) {
	s, err := w.Look(ctx, t)
	if err != nil {
		return s, err
	}
	if uid != "" && uid != s.UID {
		return s, &answer.Problem{Reason: answer.ReasonReplaced}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sessions, t.ID)
	s.Deleting = true
	return s, nil
}

// Watch tells what comes over the channel, until it is closed: then the session is gone.
func (w *world) Watch(ctx context.Context, t *resolve.Target, tell func(client.Session) error) error {
	s, err := w.Look(ctx, t)
	if err != nil {
		return err
	}
	for {
		if err := tell(s); err != nil {
			return err
		}
		var more bool
		select {
		case <-ctx.Done():
			return ctx.Err()
		case s, more = <-w.news:
			if !more {
				return missing()
			}
		}
	}
}

func (w *world) has(k string) {
	w.t.Helper()
	name, err := key.Name("chess", k)
	if err != nil {
		w.t.Fatal(err)
	}
	w.sessions[directory.ID{Namespace: "games", Name: name}] = client.Session{Namespace: "games", Template: "chess", Key: k, Name: name, UID: "uid-" + name, Version: "1", Phase: "Asleep", Reason: "Asleep"}
}

// fakePods knows pods by their tokens.
type fakePods struct{ *world }

func (f fakePods) Pod(_ context.Context, token string, _ netip.Addr) (sessionapi.Pod, error) {
	p, ok := f.pods[token]
	if !ok {
		return p, &answer.Problem{Reason: answer.ReasonUnauthenticated}
	}
	return p, nil
}

func (f fakePods) Self(_ context.Context, p sessionapi.Pod) (client.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sessions[directory.ID{Namespace: p.Namespace, Name: p.Name}], nil
}

func (f fakePods) Busy(_ context.Context, _ sessionapi.Pod, d time.Duration) error {
	f.busy = d
	return nil
}

func (f fakePods) Rest(ctx context.Context, p sessionapi.Pod) error {
	return f.Sleep(ctx, &resolve.Target{Key: p.Name})
}

func (f fakePods) SetAlarms(_ context.Context, p sessionapi.Pod, at []string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	id := directory.ID{Namespace: p.Namespace, Name: p.Name}
	s := f.sessions[id]
	s.Alarms = at
	f.sessions[id] = s
	return nil
}

// chess is the path of the sessions of the template.
const chess = client.Root + "namespaces/games/templates/chess/sessions"

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

func (a reply) reason() string { return a.header.Get("Dormouse-Reason") }

func (a reply) into(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), v); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

func (w *world) ask(method, path, body string, change ...func(*http.Request)) reply {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.base+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range change {
		c(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

// knows has every caller be the same one.
func knows(c access.Caller) func(*world) {
	return func(w *world) {
		w.api.Authorize = func(*http.Request, *resolve.Target, access.Verb) (access.Caller, error) { return c, nil }
	}
}
