package browser

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/page"
)

// world is a gateway on a real listener, with a real directory. The test is the cluster: it applies what sessions become.
type world struct {
	t       *testing.T
	dir     *directory.Directory
	gateway *gateway.Gateway
	addr    string
	version atomic.Uint64
	icons   atomic.Int64 // requests for /favicon.ico
}

// app is what a session serves.
const app = `<!doctype html><title>App</title><link rel="icon" href="data:,"><h1 id="app">Your move</h1>`

func newWorld(t *testing.T, brand page.Brand) *world {
	t.Helper()
	w := &world{t: t, dir: &directory.Directory{Now: time.Now, Touch: func(directory.Need) {}}}
	pages, err := page.New(brand)
	if err != nil {
		t.Fatal(err)
	}
	w.gateway = &gateway.Gateway{
		Sessions: w, Address: w.dir.Address, Await: w.dir.Await, Now: time.Now, Pages: pages, Log: slog.New(slog.DiscardHandler),
	}
	w.gateway.Table.Set([]resolve.Template{{
		Namespace: "games", Name: "chess", Pattern: regexp.MustCompile(`^[a-z]+$`), Create: true,
		WakeTimeout: time.Minute, MaxHeld: 100, IdleAfter: time.Minute, Routes: []resolve.Route{{Path: "/chess/{key}/"}},
	}})
	road := w.gateway.Handler()
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/favicon.ico") {
			w.icons.Add(1)
		}
		road.ServeHTTP(rw, r)
	}))
	t.Cleanup(func() { server.CloseClientConnections(); server.Close() })
	w.addr = server.Listener.Addr().String()
	return w
}

// Enter implements gateway.Sessions.
func (w *world) Enter(id directory.ID) (*directory.Visit, bool) { return w.dir.Enter(id) }

// Wake implements gateway.Sessions: it waits for what the test applies.
func (w *world) Wake(ctx context.Context, wish directory.Wish) error {
	waiter := w.dir.Await(wish)
	defer waiter.Done()
	for {
		v, changed := waiter.Look()
		switch v.State {
		case directory.Reachable:
			return nil
		case directory.Failed:
			f := v.Failure
			return &directory.Refusal{Kind: directory.StartFailed, Reason: f.Reason, Message: f.Message, RetryAfter: time.Until(f.RetryAt)}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
}

// apply is news of the session of key "a".
func (w *world) apply(v directory.View) {
	v.Version, v.UID, v.Epoch = w.version.Add(1), "uid-a", 1
	w.dir.Apply(directory.ID{Namespace: "games", Name: "chess.a"}, v)
}

// publish starts a pod for key "a", and makes its session reachable.
func (w *world) publish() {
	pod := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(rw, app)
	}))
	w.t.Cleanup(func() { pod.CloseClientConnections(); pod.Close() })
	w.publishAt(netip.MustParseAddrPort(pod.Listener.Addr().(*net.TCPAddr).String()))
}

// publishAt makes the session of key "a" reachable there.
func (w *world) publishAt(at netip.AddrPort) {
	w.apply(directory.View{State: directory.Reachable, Pod: directory.Pod{
		UID: "pod-a", Address: at.Addr().String(), Port: int(at.Port()),
	}})
}

// url is an address of key "a".
func (w *world) url() string {
	return "http://" + w.addr + "/chess/a/?board=2&as=black"
}
