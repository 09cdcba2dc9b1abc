package sessionapi_test

import (
	"bufio"
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

func TestWake(t *testing.T) {
	w := newWorld(t)
	w.has("a")
	if a := w.ask("POST", chess+"/a/wake", ""); a.status != 202 || !strings.Contains(a.body, `"key":"a"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.ask("POST", chess+"/a/wake?wait=true", ""); a.status != 200 {
		t.Errorf("%d %s", a.status, a.body)
	}
	want := directory.Wish{ID: directory.ID{Namespace: "games", Name: "chess.a"}, Template: "chess", Key: "a", IdleAfter: time.Minute}
	if len(w.touched) != 2 || w.touched[0] != want || w.touched[1] != want {
		t.Errorf("wished: %+v", w.touched)
	}
}

// 000-04: who waits is told why there is nothing to wait for, as a request is.
func TestWakeThatFails(t *testing.T) {
	for name, c := range map[string]struct {
		wake   func(context.Context) error
		status int
		words  string
	}{
		"a start that failed": {func(context.Context) error {
			return &directory.Refusal{Kind: directory.StartFailed, Reason: "ImagePullBackOff", Message: "no such image"}
		}, 503, `"cause":"ImagePullBackOff"`},
		"no end": {func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}, 504, `"reason":"WakeTimeout"`},
		"a queue": {func(ctx context.Context) error {
			<-ctx.Done()
			return &directory.Queued{Limit: "limits.awake", Err: ctx.Err()}
		}, 504, `"limit":"limits.awake"`},
	} {
		w := newWorld(t)
		w.has("a")
		w.onWake = c.wake
		if a := w.ask("POST", chess+"/a/wake?wait=true", ""); a.status != c.status || !strings.Contains(a.body, c.words) {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
}

func TestSleepAndDelete(t *testing.T) {
	w := newWorld(t, open)
	w.has("a")
	if a := w.ask("POST", chess+"/a/sleep", ""); a.status != 202 || len(w.slept) != 1 {
		t.Errorf("%d %s, %v", a.status, a.body, w.slept)
	}
	if a := w.ask("DELETE", chess+"/a?uid=other", ""); a.status != 409 || a.reason() != "Replaced" {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.ask("DELETE", chess+"/a?uid=uid-chess.a", ""); a.status != 202 || !strings.Contains(a.body, `"deleting":true`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a := w.ask("DELETE", chess+"/a", ""); a.status != 404 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

// stream reads events, as lines without those that are empty.
func (w *world) stream(path string) (next func() string, end func()) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.base+path, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Fatalf("%s: %v", res.Status, res.Header)
	}
	lines := bufio.NewScanner(res.Body)
	return func() string {
		for lines.Scan() {
			if lines.Text() != "" {
				return lines.Text()
			}
		}
		return "the end"
	}, func() { _ = res.Body.Close() }
}

// The state comes first, then each change, and then that it is gone.
func TestWatch(t *testing.T) {
	w := newWorld(t)
	w.has("a")
	next, end := w.stream(chess + "/a/watch")
	defer end()
	expect := func(lines ...string) {
		t.Helper()
		for _, want := range lines {
			if got := next(); !strings.HasPrefix(got, want) {
				t.Fatalf("got %q, want %q", got, want)
			}
		}
	}
	expect("event: session", "id: 1", `data: {"namespace":"games","template":"chess","key":"a"`)
	w.news <- client.Session{Key: "a", Version: "2", Phase: "Awake"}
	expect("event: session", "id: 2", `data: {`)
	close(w.news)
	expect("event: gone", "data: {}", "the end")
	if a := w.ask("GET", chess+"/unknown/watch", ""); a.status != 404 || a.reason() != "NotFound" {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestWatchSaysThatItIsAlive(t *testing.T) {
	w := newWorld(t, func(w *world) { w.api.Beat = time.Millisecond })
	w.has("a")
	next, end := w.stream(chess + "/a/watch")
	defer end()
	for range 3 {
		next()
	}
	if got := next(); got != ":" {
		t.Errorf("got %q", got)
	}
}

// A gateway that is about to end lets no client hold it up.
func TestWatchEndsWithTheGateway(t *testing.T) {
	ending := make(chan struct{})
	w := newWorld(t, func(w *world) { w.api.Ending = ending })
	w.has("a")
	next, end := w.stream(chess + "/a/watch")
	defer end()
	for range 3 {
		next()
	}
	close(ending)
	if got := next(); got != "the end" {
		t.Errorf("got %q", got)
	}
}

func TestWatchesAreBounded(t *testing.T) {
	w := newWorld(t, func(w *world) { w.api.MaxWatches = 1 })
	w.has("a")
	_, end := w.stream(chess + "/a/watch")
	if a := w.ask("GET", chess+"/a/watch", ""); a.status != 503 || !strings.Contains(a.body, `"limit":"sessionAPI.watches"`) {
		t.Errorf("%d %s", a.status, a.body)
	}
	end()
	w.eventually("the place is given back", func() bool {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.base+chess+"/a/watch", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode == 200
	})
}

// A watch ends with the credential of who watches.
func TestWatchEndsWithItsCredential(t *testing.T) {
	w := newWorld(t)
	w.has("a")
	w.api.Authorize = func(*http.Request, *resolve.Target, access.Verb) (access.Caller, error) {
		return access.Caller{Subject: "alice", Until: time.Now().Add(2 * time.Second)}, nil // long enough to be told once, on any machine
	}
	if a := w.ask("GET", chess+"/a/watch", ""); a.status != 200 || !strings.HasPrefix(a.body, "event: session\n") || strings.Contains(a.body, "gone") {
		t.Errorf("%d %s", a.status, a.body)
	}
}
