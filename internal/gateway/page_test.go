package gateway_test

import (
	"context"
	"html"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

const (
	chrome = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	image  = "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8"
)

// A browser that goes to a page is shown one, and nobody else is.
func TestFormOfAnAnswer(t *testing.T) {
	w := newWorld(t, chess())
	for _, tt := range []struct {
		name, method string
		headers      []string
		page         bool
	}{
		{name: "no word"},
		{name: "anything", headers: []string{"Accept: */*"}},
		{name: "JSON", headers: []string{"Accept: application/json"}},
		{name: "problem documents rather than HTML", headers: []string{"Accept: text/html;q=0.8, application/problem+json"}},
		{name: "both alike", headers: []string{"Accept: text/html, application/json"}},
		{name: "HTML", headers: []string{"Accept: text/html"}, page: true},
		{name: "HTML, in capitals and with a charset", headers: []string{"Accept: TEXT/HTML;charset=utf-8;Q=0.5"}, page: true},
		{name: "any text", headers: []string{"Accept: text/*"}, page: true},
		{name: "a browser over plain HTTP", headers: []string{"Accept: " + chrome}, page: true},
		{name: "two lines", headers: []string{"Accept: application/json;q=0.2", "Accept: text/html;q=0.3"}, page: true},
		{name: "anything but HTML", headers: []string{"Accept: text/html;q=0, */*;q=0.1"}},
		{name: "a weight that is none", headers: []string{"Accept: text/html;q=much"}},
		{name: "a weight beyond", headers: []string{"Accept: text/html;q=2"}},
		{name: "nonsense", headers: []string{"Accept: ;;,/,text/html/x;q"}},
		{name: "an image of a page", headers: []string{"Accept: " + image}},
		{name: "a navigation", headers: []string{"Sec-Fetch-Mode: navigate", "Accept: */*"}, page: true},
		{name: "a script's request", headers: []string{"Sec-Fetch-Mode: cors", "Accept: " + chrome}},
		{name: "HEAD", method: "HEAD", headers: []string{"Sec-Fetch-Mode: navigate"}, page: true},
		{name: "a form", method: "POST", headers: []string{"Sec-Fetch-Mode: navigate", "Accept: " + chrome, "Content-Length: 0"}},
		{name: "a WebSocket", headers: []string{"Accept: text/html", "Connection: Upgrade", "Upgrade: websocket"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method := tt.method
			if method == "" {
				method = "GET"
			}
			res, body := w.raw(append([]string{method + " / HTTP/1.1", "Host: elsewhere.test"}, tt.headers...)...)
			want := "application/problem+json"
			if tt.page {
				want = "text/html; charset=utf-8"
			}
			if got := res.Header.Get("Content-Type"); got != want || res.StatusCode != 404 || res.Header.Get("Dormouse-Reason") != "NoRoute" {
				t.Errorf("%s %s %v", res.Status, got, res.Header)
			}
			if res.Header.Get("Vary") != "Accept, Sec-Fetch-Mode" || res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%v", res.Header)
			}
			if shown := strings.Contains(body, "<!doctype html>"); shown != (tt.page && method != "HEAD") {
				t.Errorf("body %.60q", body)
			}
		})
	}
}

// browse is what a browser sends for a page of key "a".
func (w *world) browse(path string) (*http.Response, string) {
	w.t.Helper()
	r := w.request(http.MethodGet, "a", path, nil)
	r.Header.Set("Accept", chrome)
	return w.do(r)
}

// Every refusal is a page for a browser, with what a workload says as text.
func TestRefusalIsAPage(t *testing.T) {
	w := newWorld(t, chess())
	w.wakeBy(func(context.Context, directory.Wish) error {
		return &directory.Refusal{Kind: directory.StartFailed, Reason: "Error", Message: "exit code 3: <script>alert(1)</script>", RetryAfter: 75 * time.Second}
	})
	res, body := w.browse("/")
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "75" || res.Header.Get("Dormouse-Reason") != string(answer.ReasonStartFailed) {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	for _, want := range []string{"exit code 3: &lt;script&gt;alert(1)", "Error", "StartFailed (503)", "1 min 15 s"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
	if policy := res.Header.Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'sha256-") {
		t.Errorf("policy %q", policy)
	}
	if strings.Contains(body, "<script>alert") || strings.Contains(body, "data-progress") || strings.Contains(body, "refresh") {
		t.Errorf("%s", body)
	}
}

var progressOf = regexp.MustCompile(`data-progress="([^"]*)"`)

// A browser is held for a second, and then is shown a page; whoever is none is held on, and the wake goes on for all.
func TestBrowserIsShownAPageWhileASessionWakes(t *testing.T) {
	w := newWorld(t, chess())
	w.wakeAsIs()
	other := make(chan string, 1)
	go func() { _, body := w.get("a", "/"); other <- body }()
	began := time.Now()
	res, body := w.browse("/x?y=%26z")
	if took := time.Since(began); took < 900*time.Millisecond || took > 5*time.Second {
		t.Errorf("held for %v", took)
	}
	if res.StatusCode != 503 || res.Header.Get("Retry-After") != "3" || res.Header.Get("Dormouse-Reason") != string(answer.ReasonWaking) {
		t.Errorf("%s %v", res.Status, res.Header)
	}
	m := progressOf.FindStringSubmatch(body)
	if want := "/.well-known/dormouse/v1/progress?of=%2Fx%3Fy%3D%2526z"; m == nil || html.UnescapeString(m[1]) != want {
		t.Fatalf("progress is at %q, want %s", m, want)
	}
	if !strings.Contains(body, `http-equiv="refresh" content="3"`) {
		t.Error("without a script the page stays")
	}
	w.publish("a", "pod-a", newPod(t, func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "move") }), 1)
	if got := <-other; got != "move" {
		t.Errorf("who was held on got %q", got)
	}
	if _, got := w.browse("/"); got != "move" {
		t.Errorf("the browser got %.60q", got)
	}
}

// What is known of the delay is on the page from the beginning.
func TestPageSaysWhatIsWaitedFor(t *testing.T) {
	w := newWorld(t, chess())
	w.wakeAsIs()
	w.unreachable(directory.View{Queued: "limits.awake", Delay: directory.Delay{Reason: "Queued", For: "a place under limits.awake"}})
	_, body := w.browse("/")
	for _, want := range []string{"place in the queue", "a place under limits.awake"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
}

// A page without a script asks again before the session that it waits for may have fallen asleep (000-09).
func TestPageComesBackBeforeTheSessionSleeps(t *testing.T) {
	w := newWorld(t, chess(func(t *resolve.Template) { t.IdleAfter = 2 * time.Second }))
	w.wakeAsIs()
	if res, body := w.browse("/"); res.Header.Get("Retry-After") != "1" || !strings.Contains(body, `http-equiv="refresh" content="1"`) {
		t.Errorf("%s %v", res.Status, res.Header)
	}
}

// A page asks for no icon; a browser that asks nevertheless wakes nobody.
func TestIconWakesNobody(t *testing.T) {
	w := newWorld(t, chess())
	for _, path := range []string{"/favicon.ico", "/chess/a/favicon.ico"} {
		r := w.request(http.MethodGet, "a", path, nil)
		r.Header.Set("Accept", image)
		r.Header.Set("Sec-Fetch-Mode", "no-cors")
		if strings.HasPrefix(path, "/chess") {
			r.Host = "all.test"
		}
		res, body := w.do(r)
		wantProblem(t, res, body, 404, answer.ReasonNotWoken)
	}
	if n := w.wakes.Load(); n != 0 {
		t.Errorf("woken %d times", n)
	}
}
