package gateway

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dormouse-dev/dormouse/internal/directory"
)

// Defaults of the fields of a Gateway.
const (
	// DefaultMaxHeld is how many requests wait in one gateway. Each holds a connection and two goroutines, some 27 KB.
	DefaultMaxHeld = 10_000
	// DefaultPodIdle is how long a connection to a pod is kept idle: under the 5 s after which the servers of Node.js hang
	// up, because a request that meets the hang-up is lost: it is not sent again.
	DefaultPodIdle = 4 * time.Second
	// DefaultStall is how long a client may send nothing of its body, or take nothing of its answer.
	DefaultStall = 30 * time.Second
)

// Sessions is what the road needs of the sessions around it.
type Sessions interface {
	// Enter gives a visit if the session is reachable now. It counts as a request in flight until Leave, or as an open
	// connection from Upgraded on.
	Enter(id directory.ID) (*directory.Visit, bool)
	// Wake sees to it that the session is wanted, and returns nil when it may be reachable, or why it will not be: a
	// *directory.Refusal, or ctx's error.
	Wake(ctx context.Context, w directory.Wish) error
}

// Gateway is the road. Sessions, Address and Now are required; the fields must not change after the first call of Handler.
type Gateway struct {
	Sessions Sessions
	// Address is where a pod is dialled: only while it is published, and while the gateway's view is not stale.
	Address func(podUID string) (directory.Pod, bool)
	// Now is the clock.
	Now func() time.Time
	// Table is the templates that there are.
	Table Table

	// Log gets the access log, and what goes wrong inside. Nil: slog's default.
	Log *slog.Logger
	// Metrics; nil: they are counted for nobody.
	Metrics *Metrics
	// Dial opens a connection to a pod; nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxHeld bounds the requests that wait; zero: DefaultMaxHeld.
	MaxHeld int
	// PodIdle bounds how long a connection to a pod is idle; zero: DefaultPodIdle.
	PodIdle time.Duration
	// Stall bounds how long a client makes no progress; zero: DefaultStall.
	Stall time.Duration

	once     sync.Once
	room     room
	pods     pods
	upgrades upgrades
	sleepers sleepers
	draining atomic.Bool
	garbled  sync.Map // names of templates whose workload said what nobody understands, and which the log has
}

// Handler is the chain that a request goes through, from outside to inside.
func (g *Gateway) Handler() http.Handler {
	g.once.Do(g.prepare)
	return g.observe( // access log and metrics, of all that follows
		g.guard( // a panic is an answer
			g.wellKnown( // ours on this port: /.well-known/dormouse/
				g.pace( // a client that makes no progress is cut off
					http.HandlerFunc(g.serve))))) // resolve, admit, wake, forward
}

// Forget closes the connections to a pod that is gone. Without it they end by themselves, after PodIdle.
func (g *Gateway) Forget(podUID string) {
	g.once.Do(g.prepare)
	g.pods.forget(podUID)
}

func (g *Gateway) prepare() {
	if g.Log == nil {
		g.Log = slog.Default()
	}
	if g.Metrics == nil {
		g.Metrics = NewMetrics(prometheus.NewRegistry())
	}
	if g.Dial == nil {
		g.Dial = (&net.Dialer{}).DialContext
	}
	g.MaxHeld = orDefault(g.MaxHeld, DefaultMaxHeld)
	g.PodIdle = orDefault(g.PodIdle, DefaultPodIdle)
	g.Stall = orDefault(g.Stall, DefaultStall)
	g.room = room{limit: g.MaxHeld, metrics: g.Metrics}
	g.pods = pods{address: g.Address, dial: g.Dial, idleFor: g.PodIdle, metrics: g.Metrics}
	g.upgrades.metrics = g.Metrics
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
