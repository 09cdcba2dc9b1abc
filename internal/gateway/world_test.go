package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/key"
)

// world is a gateway on a real listener, with a real directory. What wakes sessions is the test.
type world struct {
	t       testing.TB
	dir     *directory.Directory
	gateway *gateway.Gateway
	metrics *prometheus.Registry
	addr    string
	secure  string // with TLS, if it takes that
	stop    func() error

	version atomic.Uint64
	onWake  atomic.Pointer[func(context.Context, directory.Wish) error]
	wakes   atomic.Int64
	enters  atomic.Int64
}

// Enter implements gateway.Sessions.
func (w *world) Enter(id directory.ID) (*directory.Visit, bool) {
	w.enters.Add(1)
	return w.dir.Enter(id)
}

// Wake implements gateway.Sessions.
func (w *world) Wake(ctx context.Context, wish directory.Wish) error {
	w.wakes.Add(1)
	if f := w.onWake.Load(); f != nil {
		return (*f)(ctx, wish)
	}
	return &directory.Refusal{Kind: directory.NotFound, Reason: "NotFound"}
}

// wakeBy says what wakes a session.
func (w *world) wakeBy(f func(context.Context, directory.Wish) error) { w.onWake.Store(&f) }

// chess is the template of most tests.
func chess(change ...func(*resolve.Template)) resolve.Template {
	pattern, err := key.Pattern(`[ -~]{1,64}|日本`)
	if err != nil {
		panic(err)
	}
	t := resolve.Template{
		Namespace: "games", Name: "chess", Pattern: pattern, Create: true, WakeTimeout: 10 * time.Second, MaxHeld: 100,
		IdleAfter: time.Minute,
		Routes:    []resolve.Route{{Host: "{key}.chess.test"}, {Path: "/chess/{key}/"}, {Header: "X-Chess-Table"}},
	}
	for _, f := range change {
		f(&t)
	}
	return t
}

// newWorld starts a gateway. change may set fields of it and of its server.
func newWorld(t testing.TB, tmpl resolve.Template, change ...func(*gateway.Gateway, *gateway.Server)) *world {
	t.Helper()
	w := &world{t: t, metrics: prometheus.NewRegistry()}
	w.dir = &directory.Directory{Now: time.Now, Touch: func(directory.Need) {}, Settled: func() {}}
	w.gateway = &gateway.Gateway{
		Sessions: w, Address: w.dir.Address, Await: w.dir.Await, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Metrics: gateway.NewMetrics(w.metrics), Standard: speaks.standard,
	}
	w.gateway.Table.Set([]resolve.Template{tmpl})
	server := &gateway.Server{Gateway: w.gateway, ShutdownDelay: -1, DrainTimeout: 5 * time.Second}
	for _, f := range change {
		f(w.gateway, server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = l.Addr().String()
	if server.Secure != nil {
		w.secure = server.Secure.Listener.Addr().String()
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	w.gateway.Handler() // a test may look into the gateway before the server does
	go func() { ended <- server.Run(ctx, l) }()
	w.stop = func() error {
		cancel()
		speaks.transport.CloseIdleConnections() // in HTTP/2, a server that ends waits for a second until they are
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() { _ = w.stop() })
	return w
}

// id is the ID of a key's session.
func id(k string) directory.ID {
	name, err := key.Name("chess", k)
	if err != nil {
		panic(err)
	}
	return directory.ID{Namespace: "games", Name: name}
}

// publish makes the session of a key reachable at an address. Each pod UID is an epoch of its own.
func (w *world) publish(k, podUID, addr string, epoch int64) {
	w.publishAs(isH2C(addr), k, podUID, addr, epoch)
}

func (w *world) publishAs(h2c bool, k, podUID, addr string, epoch int64) {
	ap := netip.MustParseAddrPort(addr)
	v := w.version.Add(1)
	w.dir.Apply(id(k), directory.View{
		Version: v, UID: "uid-" + k, State: directory.Reachable, Epoch: epoch, IdleAfter: time.Minute, Counts: true,
		Pod: directory.Pod{UID: podUID, Address: ap.Addr().String(), Port: int(ap.Port()), H2C: h2c},
	})
}

// unpublish begins a drain.
func (w *world) unpublish(k string, epoch int64, forced bool) {
	w.dir.Apply(id(k), directory.View{
		Version: w.version.Add(1), UID: "uid-" + k, State: directory.Unreachable, Epoch: epoch, Unwanted: true, Forced: forced,
		IdleAfter: time.Minute,
	})
}

// awake is a world in which key "a" is served by h.
func awake(t testing.TB, h http.HandlerFunc) *world {
	t.Helper()
	w := newWorld(t, chess())
	w.publish("a", "pod-a", newPod(t, h), 7)
	return w
}

// newPod starts a pod, and gives its address.
func newPod(t testing.TB, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = speaks.protocols()
	s.Start()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	speaks.note(t, s.Listener.Addr().String())
	return s.Listener.Addr().String()
}

// seen is a request as the pod saw it.
type seen struct {
	Method, URI, Host string
	Header            http.Header
	Body              string
}

// echo answers with what it saw.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	_ = json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.Host, r.Header, string(body)})
}

// raw sends the lines of a request as they are, and gives the answer and its body.
func (w *world) raw(lines ...string) (*http.Response, string) {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		w.t.Fatal(err)
	}
	method, _, _ := strings.Cut(lines[0], " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		w.t.Fatalf("%q: %v", lines, err)
	}
	body, _ := io.ReadAll(res.Body)
	return res, string(body)
}

// pod is raw, for an answer of echo.
func (w *world) pod(lines ...string) seen {
	w.t.Helper()
	res, body := w.raw(lines...)
	var s seen
	if err := json.Unmarshal([]byte(body), &s); err != nil || res.StatusCode != http.StatusOK {
		w.t.Fatalf("%q: %s %s", lines, res.Status, body)
	}
	return s
}

// get asks for a path of the session of a key.
func (w *world) get(k, path string) (*http.Response, string) {
	w.t.Helper()
	return w.do(w.request(http.MethodGet, k, path, nil))
}

func (w *world) request(method, k, path string, body io.Reader) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+w.addr+path, body)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Host = k + ".chess.test"
	return r
}

func (w *world) do(r *http.Request) (*http.Response, string) {
	w.t.Helper()
	res, err := speaks.transport.RoundTrip(r)
	if err != nil {
		w.t.Error(err)
		return &http.Response{Header: http.Header{}}, ""
	}
	defer func() { _ = res.Body.Close() }()
	body, _ := io.ReadAll(res.Body)
	return res, string(body)
}

// metric is the value of the counter or gauge that has these values of its labels.
func (w *world) metric(name string, labels ...string) float64 {
	w.t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			var values []string
			for _, l := range m.Label {
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && slices.Equal(values, labels) {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return 0
}

// wantProblem checks an answer of the gateway itself, and gives its document.
func wantProblem(t testing.TB, res *http.Response, body string, status int, reason answer.Reason) map[string]any {
	t.Helper()
	doc := map[string]any{}
	if err := json.NewDecoder(bytes.NewBufferString(body)).Decode(&doc); err != nil && res.Request == nil {
		t.Fatalf("got %d %q", res.StatusCode, body)
	}
	if res.StatusCode != status || res.Header.Get("Dormouse-Reason") != string(reason) {
		t.Errorf("got %d %q %s, want %d %q", res.StatusCode, res.Header.Get("Dormouse-Reason"), body, status, reason)
	}
	if ct := res.Header.Get("Content-Type"); ct != "application/problem+json" {
		t.Errorf("Content-Type is %q", ct)
	}
	if cc := res.Header.Get("Cache-Control"); cc != "no-store" {
		t.Errorf("Cache-Control is %q", cc)
	}
	return doc
}
