package gateway

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// pipes is a network without sockets: pods listen from a time on.
type pipes struct {
	mu        sync.Mutex
	opensAt   time.Time
	published bool
	handler   http.Handler
	dials     []time.Time
	hang      bool // the address answers nothing at all
}

func (n *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.dials = append(n.dials, time.Now())
	if n.hang {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if time.Now().Before(n.opensAt) {
		return nil, syscall.ECONNREFUSED
	}
	client, server := net.Pipe()
	go func() { _ = http.Serve(&once{conn: server}, n.handler) }()
	return client, nil
}

func (n *pipes) address(uid string) (directory.Pod, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return directory.Pod{UID: uid, Address: "10.0.0.1", Port: 80}, n.published
}

func (n *pipes) pods() *pods {
	return &pods{now: time.Now, address: n.address, dial: n.dial, idleFor: time.Second, metrics: NewMetrics(prometheus.NewRegistry())}
}

// once is a listener that gives one connection.
type once struct {
	conn net.Conn
}

func (o *once) Accept() (net.Conn, error) {
	if o.conn == nil {
		return nil, net.ErrClosed
	}
	c := o.conn
	o.conn = nil
	return c, nil
}
func (*once) Close() error   { return nil }
func (*once) Addr() net.Addr { return &net.TCPAddr{} }

func free() error { return nil }

// A pod is dialled until its port opens: 1, 2, 4, 8, then 10 ms apart, by one of all who wait for it.
func TestDialUntilThePortOpens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		n := &pipes{opensAt: began.Add(50 * time.Millisecond), published: true}
		ps := n.pods()
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				l, err := ps.connect(t.Context(), "uid", paths{}, free)
				if err != nil {
					t.Error(err)
					return
				}
				l.drop()
			})
		}
		callers.Wait()
		if took := time.Since(began); took != 55*time.Millisecond {
			t.Errorf("took %v", took)
		}
		var at []time.Duration
		for _, d := range n.dials {
			if d.After(began) && d.Sub(began) < 55*time.Millisecond {
				at = append(at, d.Sub(began)/time.Millisecond)
			}
		}
		want := []time.Duration{1, 3, 7, 15, 25, 35, 45}
		if len(at) != len(want) {
			t.Fatalf("dialled at %v ms, want %v", at, want)
		}
		for i := range want {
			if at[i] != want[i] {
				t.Errorf("dialled at %v ms, want %v", at, want)
			}
		}
	})
}

func TestOneAttemptIsShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &pipes{published: true, hang: true}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := n.pods().connect(ctx, "uid", paths{}, free); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if len(n.dials) < 9 || len(n.dials) > 11 {
			t.Errorf("%d attempts in a second", len(n.dials))
		}
	})
}

// 004-24: an address is good for as long as it is published, also for those who dial it already.
func TestDialOnlyWhilePublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &pipes{opensAt: time.Now().Add(time.Hour), published: true}
		time.AfterFunc(20*time.Millisecond, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			n.published = false
		})
		ps := n.pods()
		var callers sync.WaitGroup
		for range 5 {
			callers.Go(func() {
				if _, err := ps.connect(t.Context(), "uid", paths{}, free); !errors.Is(err, errUnpublished) {
					t.Errorf("got %v", err)
				}
			})
		}
		callers.Wait()
		for _, d := range n.dials {
			if time.Since(d) > 25*time.Millisecond {
				t.Errorf("dialled %v ago", time.Since(d))
			}
		}
		if p := ps.byUID["uid"]; !p.unused() {
			t.Errorf("%d are still at the pod", p.users)
		}
	})
}

// readiness is a pod that is ready from a time on.
type readiness struct {
	t     *testing.T
	at    time.Time
	mu    sync.Mutex
	asked int
}

func (p *readiness) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.URL.Path != "/ready" {
		p.t.Errorf("asked for %s", r.URL.Path)
	}
	if p.asked++; time.Now().Before(p.at) {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

// pass lets callers through at once, and gives how often the pod was asked until then.
func (p *readiness) pass(ps *pods) int {
	var callers sync.WaitGroup
	for range 10 {
		callers.Go(func() {
			l, err := ps.connect(p.t.Context(), "uid", paths{ready: "/ready"}, free)
			if err != nil {
				p.t.Error(err)
				return
			}
			if time.Now().Before(p.at) {
				p.t.Error("let through before it was ready")
			}
			time.Sleep(time.Millisecond)
			l.http.Release()
			l.release()
		})
	}
	callers.Wait()
	return p.asked
}

// 001-05: wake.ready is asked once for each pod, and before any request.
func TestReadyPathIsPolledOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		pod := &readiness{t: t, at: began.Add(40 * time.Millisecond)}
		n := &pipes{opensAt: began.Add(10 * time.Millisecond), published: true, handler: pod}
		ps := n.pods()
		asked := pod.pass(ps)
		if asked < 2 || asked > 6 {
			t.Errorf("asked %d times", asked)
		}
		for range 3 {
			time.Sleep(2 * time.Second) // all links end
			if again := pod.pass(ps); again != asked {
				t.Errorf("asked %d times more", again-asked)
			}
		}
		time.Sleep(2 * time.Second)
		if p := ps.byUID["uid"]; !p.unused() {
			t.Errorf("%d links are left", len(p.idle))
		}
	})
}

func TestLinksOfAPodThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &pipes{published: true}
		ps := n.pods()
		idle, err := ps.connect(t.Context(), "uid", paths{}, free)
		if err != nil {
			t.Fatal(err)
		}
		used, err := ps.connect(t.Context(), "uid", paths{}, free)
		if err != nil {
			t.Fatal(err)
		}
		idle.http.Release()
		idle.release()
		ps.forget("uid")
		if idle.http.Err() == nil {
			t.Error("the idle link is open")
		}
		if used.http.Err() != nil {
			t.Error("the link in use is closed")
		}
		used.http.Release()
		used.release()
		if used.http.Err() == nil || len(ps.byUID) != 0 {
			t.Error("the link in use was kept")
		}
	})
}

// 001-11: pods that are not used any more are forgotten, however many there were.
func TestPodsAreSwept(t *testing.T) {
	n := &pipes{published: false}
	ps := n.pods()
	for i := range 10 * sweepAt {
		if _, err := ps.connect(t.Context(), string(rune('a'+i%26))+time.Duration(i).String(), paths{}, free); !errors.Is(err, errUnpublished) {
			t.Fatal(err)
		}
	}
	if len(ps.byUID) > sweepAt {
		t.Errorf("%d pods are known", len(ps.byUID))
	}
}
