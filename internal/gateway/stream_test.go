package gateway_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/page"
)

// wakeAsIs has sessions wake as the directory hears of them.
func (w *world) wakeAsIs() {
	w.wakeBy(func(ctx context.Context, wish directory.Wish) error {
		waiter := w.dir.Await(wish)
		defer waiter.Done()
		for {
			v, changed := waiter.Look()
			switch v.State {
			case directory.Reachable:
				return nil
			case directory.Failed:
				return &directory.Refusal{Kind: directory.StartFailed, Reason: v.Failure.Reason, Message: v.Failure.Message, RetryAfter: 4 * time.Second}
			}
			select {
			case <-ctx.Done():
				return context.Cause(ctx)
			case <-changed:
			}
		}
	})
}

// unreachable is news of the session of key "a", which is on its way.
func (w *world) unreachable(v directory.View) {
	v.Version, v.UID, v.State = w.version.Add(1), "uid-a", directory.Unreachable
	w.dir.Apply(id("a"), v)
}

// stream is what a page hears.
type stream struct {
	t    testing.TB
	res  *http.Response
	from *bufio.Reader
}

// event is one of them.
type event struct {
	name string
	face page.Face
}

// follow opens the stream for a request for key "a".
func (w *world) follow() *stream {
	w.t.Helper()
	r := w.request(http.MethodGet, "a", gateway.ProgressPath+"?of=/", nil)
	r.Header.Set("Accept", "text/event-stream")
	r.Header.Set("Sec-Fetch-Mode", "cors")
	return w.open(r)
}

func (w *world) open(r *http.Request) *stream {
	w.t.Helper()
	res, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = res.Body.Close() })
	return &stream{t: w.t, res: res, from: bufio.NewReader(res.Body)}
}

// next is the next event, or the zero one at the end.
func (s *stream) next() (e event) {
	s.t.Helper()
	for {
		line, err := s.from.ReadString('\n')
		switch line = strings.TrimSuffix(line, "\n"); {
		case err != nil:
			return event{}
		case line == "" && e.name != "":
			return e
		case strings.HasPrefix(line, "event: "):
			e.name = line[len("event: "):]
		case strings.HasPrefix(line, "data: "):
			if err := json.Unmarshal([]byte(line[len("data: "):]), &e.face); err != nil {
				s.t.Fatalf("%q: %v", line, err)
			}
		}
	}
}

// hears wants the next event to be of that name, and to say that.
func (s *stream) hears(name, what string) event {
	s.t.Helper()
	e := s.next()
	if text := fmt.Sprint(e.face); e.name != name || !strings.Contains(text, what) {
		s.t.Errorf("heard %q: %s, want %q with %q", e.name, text, name, what)
	}
	return e
}

// A page hears what its session waits for in the order of the news, and that it is there only when its port is open.
func TestProgressIsToldInOrder(t *testing.T) {
	w := newWorld(t, chess())
	w.wakeAsIs()
	s := w.follow()
	if ct := s.res.Header.Get("Content-Type"); s.res.StatusCode != 200 || ct != "text/event-stream" || s.res.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%s %v", s.res.Status, s.res.Header)
	}
	s.hears("progress", "It was asleep")
	w.unreachable(directory.View{Queued: "limits.awake", Delay: directory.Delay{Reason: "Queued", For: "a place under limits.awake"}})
	s.hears("progress", "[{Waits for a place under limits.awake}]")
	w.unreachable(directory.View{Delay: directory.Delay{Reason: "ImagePullBackOff", For: "pod chess.a to get an address: ImagePullBackOff"}})
	w.unreachable(directory.View{Delay: directory.Delay{Reason: "ImagePullBackOff", For: "pod chess.a to get an address: ImagePullBackOff"}}) // no news
	s.hears("progress", "[{Waits for pod chess.a to get an address: ImagePullBackOff}]")
	w.unreachable(directory.View{Delay: directory.Delay{Reason: "Waking"}})
	s.hears("progress", "It was asleep")
	addr := closedPort(t)
	w.publish("a", "pod-a", addr, 1)
	s.hears("progress", "opens its doors")
	listenLate(t, addr, new(atomic.Int64))
	s.hears("ready", "")
	if e := s.next(); e.name != "" {
		t.Errorf("heard %+v after the end", e)
	}
	if res, body := w.browse("/"); body != "move" {
		t.Errorf("%s %.60q", res.Status, body)
	}
}

// 000-04: a start that fails ends the stream with all that is known of it.
func TestProgressOfAStartThatFails(t *testing.T) {
	w := newWorld(t, chess())
	w.wakeAsIs()
	s := w.follow()
	s.hears("progress", "")
	w.dir.Apply(id("a"), directory.View{
		Version: w.version.Add(1), UID: "uid-a", State: directory.Failed,
		Failure: directory.Failure{Reason: "OOMKilled", Message: "exit code 137: <b>"},
	})
	e := s.hears("failed", "{Details exit code 137: <b>} {Cause OOMKilled} {Reason StartFailed (503)}")
	if e.face.RetryAfter != 4 || e.face.Waiting {
		t.Errorf("%+v", e.face)
	}
	if e := s.next(); e.name != "" {
		t.Errorf("heard %+v after the end", e)
	}
}

// 000-60: streams count as held requests, so they are bounded with them, and none is left behind.
func TestStreamsAreBounded(t *testing.T) {
	w := newWorld(t, chess(func(t *resolve.Template) { t.MaxHeld = 1 }))
	woken, ended := make(chan struct{}, 2), make(chan struct{}, 2)
	w.wakeBy(func(ctx context.Context, _ directory.Wish) error {
		woken <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return context.Cause(ctx)
	})
	first := w.follow()
	<-woken
	second := w.follow()
	second.hears("progress", "")
	second.hears("failed", "{Limit wake.maxHeld}")
	if n := w.metric("dormouse_gateway_held_requests"); n != 1 {
		t.Errorf("%v are held", n)
	}
	_ = first.res.Body.Close()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Error("the session is wanted on, for a page that has gone")
	}
	if err := w.stop(); err != nil { // waits for what is in flight
		t.Error(err)
	}
	if n := w.metric("dormouse_gateway_held_requests"); n != 0 {
		t.Errorf("%v are still held", n)
	}
}

// A stream ends with wake.timeout, and when the gateway does: the page connects again, to another one.
func TestStreamEnds(t *testing.T) {
	w := newWorld(t, chess(wakeTimeout(50*time.Millisecond)))
	w.wakeAsIs()
	s := w.follow()
	s.hears("progress", "")
	s.hears("failed", "WakeTimeout (504)")

	w = newWorld(t, chess())
	w.wakeAsIs()
	s = w.follow()
	s.hears("progress", "")
	if err := w.stop(); err != nil {
		t.Errorf("the gateway waits for a page: %v", err)
	}
	if e := s.next(); e.name != "" {
		t.Errorf("heard %+v", e)
	}
}

// A stream leads where the request leads that it names, by the routes and the headers of its own, and nowhere else.
func TestStreamIsResolvedAsARequest(t *testing.T) {
	w := newWorld(t, chess(func(t *resolve.Template) { t.Create = false }))
	var wished atomic.Pointer[directory.Wish]
	w.wakeBy(func(_ context.Context, wish directory.Wish) error {
		wished.Store(&wish)
		return &directory.Refusal{Kind: directory.NotFound}
	})
	for _, tt := range []struct {
		name, host, of, key string
		header              [2]string
		reason              answer.Reason
	}{
		{name: "by host", host: "k1.chess.test", of: "/x?y", key: "k1"},
		{name: "by path", host: "all.test", of: "/chess/k%202/x", key: "k 2"},
		{name: "by header", host: "all.test", of: "/", header: [2]string{"X-Chess-Table", "k3"}, key: "k3"},
		{name: "host before path, as ever", host: "k4.chess.test", of: "/chess/other/", key: "k4"},
		{name: "nowhere", host: "all.test", of: "/x", reason: answer.ReasonNoRoute},
		{name: "nothing", host: "k5.chess.test", of: "", reason: answer.ReasonNoRoute},
		{name: "another host", host: "all.test", of: "http://k6.chess.test/", reason: answer.ReasonNoRoute},
		{name: "another host without a scheme", host: "all.test", of: "//k6.chess.test/", reason: answer.ReasonNoRoute},
		{name: "itself", host: "k7.chess.test", of: gateway.ProgressPath + "?of=/", reason: answer.ReasonNoRoute},
		{name: "a key that no route carries", host: "all.test", of: "/chess/a%2fb/", reason: answer.ReasonBadKey},
		{name: "a fragment", host: "k8.chess.test", of: "/#x", reason: answer.ReasonBadTarget},
		{name: "an icon", host: "k9.chess.test", of: "/favicon.ico", reason: answer.ReasonNotWoken},
		{name: "a wish to let it sleep", host: "k10.chess.test", of: "/", header: [2]string{"Dormouse-Wake", "no"}, reason: answer.ReasonNotWoken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			wished.Store(nil)
			r := w.request(http.MethodGet, "", gateway.ProgressPath+"?of="+url.QueryEscape(tt.of), nil)
			if r.Host = tt.host; tt.header[0] != "" {
				r.Header.Set(tt.header[0], tt.header[1])
			}
			s := w.open(r)
			if tt.reason != "" {
				body, _ := io.ReadAll(s.res.Body)
				if s.res.Header.Get("Dormouse-Reason") != string(tt.reason) || wished.Load() != nil {
					t.Errorf("%s %s, wished %v", s.res.Status, body, wished.Load())
				}
				return
			}
			s.hears("progress", "")
			s.hears("failed", "NotFound (404)")
			if got := wished.Load(); got == nil || got.Key != tt.key || got.Create {
				t.Errorf("wished %v, want %s", got, tt.key)
			}
		})
	}
	res, body := w.do(w.request(http.MethodPost, "a", gateway.ProgressPath+"?of=/", nil))
	wantProblem(t, res, body, 404, answer.ReasonNoRoute)
}
