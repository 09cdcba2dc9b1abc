package main

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

const (
	namespace, template = "bench", "bench"
	// room is how many requests may wait for one key.
	room      = 5000
	idleAfter = 5 * time.Minute
)

// world is a gateway with all that cmd/gateway gives it, but for the cluster: sessions come and go as the control listener says.
type world struct {
	directory.Directory
	road *gateway.Gateway

	version                 atomic.Uint64
	wakes, stirred, touches atomic.Int64
	dials                   dials

	mu   sync.Mutex
	pods map[directory.ID]directory.Pod // of the sessions that are awake
}

func dormouse(ctx context.Context, s *settings, l net.Listener) error {
	w := &world{pods: map[directory.ID]directory.Pod{}}
	level := slog.LevelWarn
	if s.log {
		level = slog.LevelInfo
	}
	w.Directory.Now, w.Directory.Touch, w.Directory.Settled = time.Now, w.touch, func() {}
	w.road = &gateway.Gateway{
		Now: time.Now, Log: slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		Metrics: gateway.NewMetrics(prometheus.NewRegistry()), Names: gateway.Names{Salt: "bench"},
		Sessions: w, Address: w.Address, Await: w.Await, Dial: w.dials.dial,
	}
	w.road.WakesPerClient = -1 // all who wait here have one address
	w.Directory.Ended, w.Directory.Reached = w.road.Forget, w.road.Rouse
	w.road.Table.Set([]resolve.Template{{
		Namespace: namespace, Name: template, Pattern: regexp.MustCompile(`^(?:[a-z0-9-]{1,32})$`), Create: true,
		Routes:      []resolve.Route{{Host: "{key}.bench.test"}},
		WakeTimeout: time.Minute, MaxHeld: room, IdleAfter: idleAfter,
	}})
	w.publish("a", s.pod)
	w.publish("sockets", s.sockets)
	for i := range s.keys {
		w.publish("bystander-"+strconv.Itoa(i), s.pod)
	}
	go obey(s, w.orders())
	server := &gateway.Server{Gateway: w.road, ShutdownDelay: -1, DrainTimeout: time.Second}
	return server.Run(ctx, l)
}

// Wake implements gateway.Sessions, as the hands of a gateway do once the API server has the touch.
func (w *world) Wake(ctx context.Context, wish directory.Wish) error {
	w.wakes.Add(1)
	waiter := w.Await(wish)
	defer waiter.Done()
	w.road.Touched(wish.ID)
	view, _ := waiter.View()
	for view.State != directory.Reachable {
		var err error
		if view, err = waiter.Next(ctx, view.Version); err != nil {
			return err
		}
		if view.State != directory.Reachable {
			w.stirred.Add(1)
		}
	}
	return nil
}

// touch is the API server that takes a touch. The directory must not be called in it.
func (w *world) touch(n directory.Need) {
	w.touches.Add(1)
	go func() {
		w.mu.Lock()
		pod, awake := w.pods[n.ID]
		w.mu.Unlock()
		if awake {
			w.Touched(n.ID, w.view(n.ID, pod))
		}
	}()
}

func idOf(key string) directory.ID {
	return directory.ID{Namespace: namespace, Name: template + "." + key}
}

// publish has the pod of a key be at an address.
func (w *world) publish(key, address string) {
	id, at := idOf(key), netip.MustParseAddrPort(address)
	pod := directory.Pod{UID: "pod-of-" + key, Address: at.Addr().String(), Port: int(at.Port())}
	w.mu.Lock()
	w.pods[id] = pod
	w.mu.Unlock()
	w.Apply(id, w.view(id, pod))
}

func (w *world) view(id directory.ID, pod directory.Pod) directory.View {
	return directory.View{
		Version: w.version.Add(1), UID: "uid-of-" + strings.TrimPrefix(id.Name, template+"."), State: directory.Reachable, Epoch: 1,
		Pod: pod, IdleAfter: idleAfter, Counts: true, Activity: time.Now(),
	}
}

// dials counts the connections that are being opened.
type dials struct {
	now, most atomic.Int64
	net.Dialer
}

func (d *dials) dial(ctx context.Context, network, address string) (net.Conn, error) {
	n := d.now.Add(1)
	defer d.now.Add(-1)
	for most := d.most.Load(); n > most && !d.most.CompareAndSwap(most, n); most = d.most.Load() {
	}
	return d.DialContext(ctx, network, address)
}
