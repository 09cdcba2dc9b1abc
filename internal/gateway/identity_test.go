package gateway_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

func identified(t *resolve.Template) { t.IdentityPath = "/who" }

// named is a pod that says who it is, and notes what it was asked.
type named struct {
	uid string

	mu    sync.Mutex
	asked []string // paths, and of those that ask who it is all headers too
	conns map[string]bool
}

func (p *named) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		p.conns = map[string]bool{}
	}
	if r.URL.Path != "/who" {
		p.asked = append(p.asked, r.URL.Path)
		_, _ = fmt.Fprint(w, p.uid)
		return
	}
	p.asked = append(p.asked, fmt.Sprint("/who ", len(r.Header), r.Header.Get("User-Agent")))
	if p.conns[r.RemoteAddr] {
		p.asked = append(p.asked, "a connection twice")
	}
	p.conns[r.RemoteAddr] = true
	_, _ = fmt.Fprintln(w, p.uid)
}

func (p *named) was() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.asked, ", ")
}

// 004-17: a pod that has crashed, and whose address is another pod's by now: that one gets nothing of the request, which waits for
// the news and goes to the pod that it is for.
func TestAddressOfAnotherPod(t *testing.T) {
	stranger, right := &named{uid: "pod-b"}, &named{uid: "pod-a2"}
	w := newWorld(t, chess(identified))
	there := newPod(t, right.ServeHTTP)
	w.publish("a", "pod-a", newPod(t, stranger.ServeHTTP), 1)
	w.wakeBy(func(context.Context, directory.Wish) error { return nil })
	refused := func() float64 { return w.metric("dormouse_gateway_misroutes_refused_total") }
	answered := make(chan string)
	go func() {
		_, body := w.get("a", "/secret")
		answered <- body
	}()
	for refused() < 3 {
		select {
		case body := <-answered:
			t.Fatalf("answered %q", body)
		case <-time.After(time.Millisecond):
		}
	}
	w.publish("a", "pod-a2", there, 2)
	if body := <-answered; body != "pod-a2" {
		t.Errorf("%q has answered", body)
	}
	if was := stranger.was(); strings.Contains(was, "secret") || strings.Contains(was, "twice") {
		t.Errorf("the other pod was asked %s", was)
	}
	if was := right.was(); was != "/who 1dormouse-gateway, /secret" {
		t.Errorf("the right pod was asked %s", was)
	}
}

// A connection is asked once, and not again for each request.
func TestIdentityIsAskedOnce(t *testing.T) {
	pod := &named{uid: "pod-a"}
	w := newWorld(t, chess(identified))
	w.publish("a", "pod-a", newPod(t, pod.ServeHTTP), 1)
	for range 3 {
		if _, body := w.get("a", "/x"); body != "pod-a" {
			t.Fatalf("got %q", body)
		}
	}
	if was := pod.was(); was != "/who 1dormouse-gateway, /x, /x, /x" {
		t.Errorf("asked %s", was)
	}
}

// Whatever is no plain answer with the UID is another pod's.
func TestWrongIdentity(t *testing.T) {
	for name, says := range map[string]http.HandlerFunc{
		"another UID":  func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "pod-b") },
		"a longer one": func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprint(w, "pod-ab") },
		"a page": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = fmt.Fprint(w, "pod-a"+strings.Repeat(" ", 1<<16)+"b")
		},
		"another status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404); _, _ = fmt.Fprint(w, "pod-a") },
		"nothing":        func(http.ResponseWriter, *http.Request) {},
		"its end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			_, _ = fmt.Fprint(w, "pod-a")
		},
		"a redirect to it": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/me", http.StatusFound) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, chess(identified, func(t *resolve.Template) { t.WakeTimeout = 200 * time.Millisecond }))
			w.publish("a", "pod-a", newPod(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/who" {
					t.Errorf("asked for %s", r.URL.Path)
				}
				says(w, r)
			}), 1)
			res, body := w.get("a", "/")
			wantProblem(t, res, body, http.StatusGatewayTimeout, answer.ReasonWakeTimeout)
		})
	}
}
