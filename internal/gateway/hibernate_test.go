package gateway_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

func hibernates(t *resolve.Template) { t.Hibernates = true }

// room is the session of key a, which falls asleep and wakes. Its pods answer each message with its text and a number that grows.
type room struct {
	*world
	t *testing.T

	mu      sync.Mutex
	epoch   int64
	pod     *httptest.Server // nil: asleep
	drains  bool
	said    int
	heard   []string
	upgrade []http.Header // of each connection
	refuses bool          // upgrades

	protocol string        // that it speaks; empty: chess
	raw      chan net.Conn // takes the connections, if somebody speaks for the pods
	leave    context.CancelFunc
}

func newRoom(t *testing.T) *room {
	t.Helper()
	r := &room{t: t, world: newWorld(t, chess(hibernates))}
	r.dir.Reached = r.gateway.Rouse
	r.dir.Touch = func(n directory.Need) { go r.dir.Missed(n.ID) } // a connection that opens while the room falls asleep asks for one
	r.wakeBy(r.wake)
	t.Cleanup(func() { r.mu.Lock(); defer r.mu.Unlock(); r.end() })
	return r
}

func (r *room) end() {
	if r.pod != nil {
		r.leave()
		r.pod.CloseClientConnections()
		r.pod.Close()
		r.pod = nil
	}
}

// wake publishes a new pod, or the one that was about to end.
func (r *room) wake(context.Context, directory.Wish) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.pod == nil {
		r.epoch++
		var ctx context.Context
		ctx, r.leave = context.WithCancel(context.Background())
		r.pod = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) { r.serve(ctx, w, q) }))
	}
	r.drains = false
	at := netip.MustParseAddrPort(r.pod.Listener.Addr().String())
	r.dir.Apply(id("a"), directory.View{
		Version: r.version.Add(1), UID: "s", State: directory.Reachable, Epoch: r.epoch, IdleAfter: time.Minute, CountsBytes: true,
		Pod: directory.Pod{UID: fmt.Sprint("pod-", r.epoch), Address: at.Addr().String(), Port: int(at.Port())},
	})
	return nil
}

// unpublish begins a drain, and says whether it is one: the room was awake.
func (r *room) unpublish() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.drains = r.pod != nil
	if r.drains {
		r.dir.Apply(id("a"), directory.View{Version: r.version.Add(1), UID: "s", State: directory.Unreachable, Epoch: r.epoch, Unwanted: true})
	}
	return r.drains
}

// sleep puts the room to sleep, unless somebody wants it meanwhile. The pod ends as soon as the gateway vouches for the unpublish.
func (r *room) sleep() bool {
	if !r.unpublish() {
		return false
	}
	r.until("vouched for", func() bool { return r.dir.Unsettled() == 0 })
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.drains {
		return false
	}
	r.end()
	r.dir.Apply(id("a"), directory.View{Version: r.version.Add(1)})
	return true
}

func (w *world) until(what string, so func() bool) {
	w.t.Helper()
	for end := time.Now().Add(15 * time.Second); !so(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Errorf("not in time: %s", what)
			return
		}
	}
}

// asleep waits until n connections are without a pod.
func (r *room) asleep(n float64) {
	r.t.Helper()
	r.until("asleep", func() bool { return r.metric("dormouse_gateway_hibernated_connections") == n })
}

func (r *room) serve(ctx context.Context, w http.ResponseWriter, q *http.Request) {
	r.mu.Lock()
	r.upgrade = append(r.upgrade, q.Header.Clone())
	refuses, protocol := r.refuses, cmp.Or(r.protocol, "chess")
	r.mu.Unlock()
	if r.raw != nil {
		r.raw <- switched(w)
		return
	}
	if refuses {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	c, err := websocket.Accept(w, q, &websocket.AcceptOptions{InsecureSkipVerify: true, Subprotocols: []string{protocol}})
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }()
	c.SetReadLimit(-1)
	for {
		_, p, err := c.Read(ctx)
		if err != nil {
			return
		}
		if c.Write(ctx, websocket.MessageText, []byte(r.reply(p))) != nil {
			return
		}
	}
}

func (r *room) reply(p []byte) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said++
	r.heard = append(r.heard, string(p))
	return fmt.Sprintf("%d %.20s", r.said, p)
}

func (r *room) tell(c *websocket.Conn, text string) {
	r.t.Helper()
	if err := c.Write(r.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *room) hears(c *websocket.Conn, want string) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), 15*time.Second)
	defer cancel()
	if _, p, err := c.Read(ctx); err != nil || string(p) != want {
		r.t.Fatalf("heard %q, %v, want %q", p, err, want)
	}
}

// 004-20, 000-11: clients stay connected while the room sleeps, fifty times. No message is lost, none comes twice, and all are in order,
// in both directions, whatever was on its way when it fell asleep.
func TestFiftySleepsUnderAnOpenConnection(t *testing.T) {
	const sleeps = 50
	r := newRoom(t)
	c := r.dialTable()
	slept, sent := make(chan struct{}), make(chan int, 1)
	go func() {
		defer close(slept)
		for n := 0; n < sleeps; {
			if r.sleep() {
				n++
			}
		}
	}()
	go func() {
		for n := 1; ; n++ {
			over := false
			select {
			case <-slept:
				over = true
				sent <- n
			default:
			}
			if c.Write(t.Context(), websocket.MessageText, fmt.Append(nil, n)) != nil || over {
				return
			}
			if n%7 == 0 {
				time.Sleep(3 * time.Millisecond)
			}
		}
	}()
	total := -1
	for n := 1; n != total+1; n++ {
		r.hears(c, fmt.Sprintf("%d %d", n, n))
		select {
		case total = <-sent:
		default:
		}
	}
	if r.epoch <= sleeps {
		t.Errorf("%d pods", r.epoch)
	}
	if resumed := r.metric("dormouse_gateway_resumed_connections_total"); resumed < sleeps {
		t.Errorf("resumed %v times", resumed)
	}
	t.Logf("%d messages each way over %d pods", total, r.epoch)
}

// While the session sleeps the gateway answers pings, and holds nothing for the session; anybody who wakes it brings the others back too.
func TestAsleep(t *testing.T) {
	r := newRoom(t)
	talks, listens := r.dialTable(), r.dialTable()
	ctx := listens.CloseRead(t.Context())
	r.tell(talks, "a")
	r.hears(talks, "1 a")
	if !r.sleep() {
		t.Fatal("it does not sleep")
	}
	r.asleep(2)
	r.until("the directory holds nothing", func() bool { return r.dir.Len() == 0 })
	pods := r.epoch
	for range 3 {
		if err := listens.Ping(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if r.epoch != pods || r.wakes.Load() != 1 {
		t.Error("a ping wakes")
	}
	r.tell(talks, "b")
	r.hears(talks, "2 b")
	r.asleep(0)
	if n := len(r.upgrade); n != 4 {
		t.Errorf("%d upgrades", n)
	}
	for i, h := range r.upgrade {
		first, again := h.Get("Session-Connection"), h.Get("Session-Resumed")
		if i < 2 && (len(first) < 20 || again != "") || i >= 2 && (first != "" || !strings.Contains(r.upgrade[0].Get("Session-Connection")+r.upgrade[1].Get("Session-Connection"), again)) {
			t.Errorf("upgrade %d has the names %q and %q", i, first, again)
		}
		if h.Get("Session-Epoch") != fmt.Sprint(1+i/2) || h.Get("Sec-Websocket-Extensions") != "" || h.Get("Session-Key") != "a" {
			t.Errorf("upgrade %d: %v", i, h)
		}
	}
}

// A client that says goodbye while the session sleeps is answered, and wakes nobody.
func TestGoodbyeWhileAsleep(t *testing.T) {
	r := newRoom(t)
	c := r.dialTable()
	r.sleep()
	r.asleep(1)
	began := time.Now()
	if err := c.Close(4000, "good night"); err != nil || time.Since(began) > 500*time.Millisecond {
		t.Errorf("%v after %v", err, time.Since(began))
	}
	r.asleep(0)
	if r.wakes.Load() != 1 {
		t.Error("it wakes the session")
	}
}

// Who cannot be woken for is told so.
func TestWakeForAConnectionFails(t *testing.T) {
	for name, c := range map[string]struct {
		refusal error
		refuses bool
		code    websocket.StatusCode
		reason  string
	}{
		"for now":  {refusal: &directory.Refusal{Kind: directory.StartFailed}, code: websocket.StatusTryAgainLater, reason: "StartFailed"},
		"for good": {refusal: &directory.Refusal{Kind: directory.Gone}, code: websocket.StatusInternalError, reason: "Gone"},
		"the pod":  {refuses: true, code: websocket.StatusInternalError, reason: "BadAnswer"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRoom(t)
			conn := r.dialTable()
			r.sleep()
			r.asleep(1)
			r.refuses = c.refuses
			if c.refusal != nil {
				r.wakeBy(func(context.Context, directory.Wish) error { return c.refusal })
			}
			r.tell(conn, "a")
			_, _, err := conn.Read(t.Context())
			var e websocket.CloseError
			if !asClose(err, &e) || e.Code != c.code || e.Reason != c.reason {
				t.Errorf("closed with %v", err)
			}
			r.asleep(0)
		})
	}
}

func asClose(err error, to *websocket.CloseError) bool { return errors.As(err, to) }

// A client that sends more than is kept for it waits, and all of it comes in the end.
func TestMuchIsSentToASleeper(t *testing.T) {
	r := newRoom(t)
	c := r.dialTable()
	r.sleep()
	r.asleep(1)
	hold := make(chan struct{})
	r.wakeBy(func(ctx context.Context, w directory.Wish) error { <-hold; return r.wake(ctx, w) })
	const messages, size = 2000, 16 << 10
	before := live()
	var sent atomic.Int64
	go func() {
		for n := range messages {
			if c.Write(t.Context(), websocket.MessageText, []byte(fmt.Sprintf("%d ", n)+strings.Repeat("x", size))) != nil {
				return
			}
			sent.Add(1)
		}
	}()
	r.until("woken", func() bool { return r.wakes.Load() == 2 })
	for last, rests := int64(-1), 0; rests < 25; rests++ { // what is not bounded grows until all is in
		time.Sleep(20 * time.Millisecond)
		if n := sent.Load(); n != last {
			last, rests = n, 0
		}
	}
	if more := live() - before; more > 1<<20 {
		t.Errorf("%d bytes more", more)
	}
	close(hold)
	for n := range messages {
		r.hears(c, fmt.Sprintf("%d %.20s", n+1, fmt.Sprintf("%d ", n)+strings.Repeat("x", size)))
	}
}

// A gateway that ends says so to clients whose sessions sleep.
func TestGatewayEndsWhileAsleep(t *testing.T) {
	r := newRoom(t)
	c := r.dialTable()
	r.sleep()
	r.asleep(1)
	stopped := make(chan error, 1)
	go func() { stopped <- r.stop() }()
	wantClosed(t, c, websocket.StatusGoingAway)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

// A pod that says goodbye by itself says it to the client.
func TestGoodbyeOfThePodIsTheClients(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	leave, bye := make(chan struct{}), make(chan websocket.StatusCode, 1)
	w := newWorld(t, chess(hibernates))
	w.publish("a", "pod-a", newPod(t, func(rw http.ResponseWriter, q *http.Request) {
		c, err := websocket.Accept(rw, q, nil)
		if err != nil {
			t.Error(err)
			return
		}
		<-leave
		_ = c.Close(4001, "checkmate")
	}), 1)
	c := w.dialTable()
	close(leave)
	wantClosed(t, c, 4001)
	_ = bye
}

// A session that is deleted takes its connections with it.
func TestDeletedSessionEndsItsConnections(t *testing.T) {
	r := newRoom(t)
	c := r.dialTable()
	r.dir.Apply(id("a"), directory.View{Version: r.version.Add(1), UID: "s", State: directory.Unreachable, Epoch: 1, Forced: true, Gone: true})
	wantClosed(t, c, websocket.StatusGoingAway)
}

// A pod that breaks off is like one that sleeps: the next message finds the next pod.
func TestPodCrashesUnderAConnection(t *testing.T) {
	r := newRoom(t)
	c := r.dialTable()
	r.tell(c, "a")
	r.hears(c, "1 a")
	r.mu.Lock()
	r.end()
	r.mu.Unlock()
	r.asleep(1)
	r.dir.Apply(id("a"), directory.View{Version: r.version.Add(1)})
	r.tell(c, "b")
	r.hears(c, "2 b")
}

// A pod must take a connection up as the first one did, for that is what the client knows; no extension is offered to any.
func TestPodsAgreeOnTheSubprotocol(t *testing.T) {
	for protocol, want := range map[string]websocket.StatusCode{"chess": 0, "go": websocket.StatusInternalError} {
		t.Run(protocol, func(t *testing.T) {
			r := newRoom(t)
			c, res, err := websocket.Dial(t.Context(), "ws://a.chess.test/", &websocket.DialOptions{
				Subprotocols: []string{"chess", "go"}, CompressionMode: websocket.CompressionContextTakeover,
				HTTPClient: &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", r.addr)
				}}},
			})
			if err != nil || c.Subprotocol() != "chess" || res.Header.Get("Sec-Websocket-Extensions") != "" {
				t.Fatalf("%v, %v", res, err)
			}
			defer func() { _ = c.CloseNow() }()
			r.sleep()
			r.asleep(1)
			r.mu.Lock()
			r.protocol = protocol
			r.mu.Unlock()
			r.tell(c, "a")
			if want != 0 {
				wantClosed(t, c, want)
				return
			}
			r.hears(c, "1 a")
		})
	}
}
