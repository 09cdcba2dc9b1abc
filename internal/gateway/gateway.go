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
	"go.opentelemetry.io/otel/trace"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/admission"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/page"
)

// Defaults of the fields of a Gateway.
const (
	// DefaultMaxHeld is how many requests wait in one gateway. Each holds a connection and two goroutines, some 27 KB.
	DefaultMaxHeld = 10_000
	// DefaultMaxHeldPerTenant is how many of them one tenant has: one alone does not fill the room.
	DefaultMaxHeldPerTenant = 5_000
	// DefaultPodIdle is how long a connection to a pod is kept idle: under the 5 s after which the servers of Node.js hang
	// up, because a request that meets the hang-up is lost: it is not sent again.
	DefaultPodIdle = 4 * time.Second
	// DefaultStall is how long a client may send nothing of its body, or take nothing of its answer.
	DefaultStall = 30 * time.Second
	// DefaultMinRate is how many bytes a second a client must send of its body, or take of its answer: as Kestrel has it, and
	// a tenth of what the slowest mobile networks give.
	DefaultMinRate = 240
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
	Table resolve.Table
	// Await is how a page that waits learns what its session waits for. Nil: it only says that it wakes.
	Await func(directory.Wish) *directory.Waiter
	// Pages are what browsers are shown; nil: page.Default.
	Pages *page.Pages

	// RawTable is the templates of raw TCP.
	RawTable resolve.Table

	// API answers what is below APIPath; nil: nothing is there.
	API http.Handler

	// Log gets the access log, and what goes wrong inside. Nil: slog's default.
	Log *slog.Logger
	// Metrics; nil: they are counted for nobody.
	Metrics *Metrics
	// Names says how log and traces name a session.
	Names Names
	// Tracer begins spans; nil: there are none, and the client's trace headers go to the pod as they are.
	Tracer trace.Tracer
	// Dial opens a connection to a pod; nil: a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// MaxHeld bounds the requests that wait; zero: DefaultMaxHeld.
	MaxHeld int
	// MaxRaw bounds the raw connections; zero: DefaultMaxRaw.
	MaxRaw int
	// MaxHeldPerTenant bounds those of one tenant, of all its templates in a namespace; zero: DefaultMaxHeldPerTenant.
	MaxHeldPerTenant int
	// PodIdle bounds how long a connection to a pod is idle; zero: DefaultPodIdle.
	PodIdle time.Duration
	// Stall bounds how long a client makes no progress; zero: DefaultStall.
	Stall time.Duration
	// MinRate is how many bytes a second a client sends or takes at least, over Stall, while it is waited for; zero:
	// DefaultMinRate; negative: any byte will do. It is not for HTTP/2.
	MinRate int
	// Standard has net/http and its ReverseProxy speak HTTP/1.1, with clients and pods, as they speak all else. It costs more.
	Standard bool
	// Forwarders are the proxies before the gateway that say whose a request is, as X-Forwarded-For.
	Forwarders front.Forwarders
	// RedirectHTTPS sends who comes without TLS to the same with it, at port 443.
	RedirectHTTPS bool

	// Gate says who calls, and what that one may. Its clock is that of the Gateway.
	admission.Gate

	once     sync.Once
	room     room
	wakes    wakes
	pods     pods
	upgrades upgrades
	sleepers sleepers
	draining atomic.Bool
	ending   context.Context // cancelled when nobody may wait any more
	turnOut  context.CancelFunc
	garbled  sync.Map // names of templates whose workload said what nobody understands, and which the log has
}

// Handler is the chain that a request goes through, from outside to inside.
func (g *Gateway) Handler() http.Handler {
	g.once.Do(g.prepare)
	return g.attribute( // to a client
		g.observe( // access log and metrics, of all that follows
			g.trace( // a span, if anybody wants them
				g.guard( // a panic is an answer
					g.pace( // a client that makes no progress is cut off
						g.wellKnown( // ours on this port: /.well-known/dormouse/
							g.redirect( // to TLS
								http.HandlerFunc(g.serve)))))))) // resolve, admit, wake, forward
}

// attribute finds whose a request is, where proxies say that.
func (g *Gateway) attribute(next http.Handler) http.Handler {
	if len(g.Forwarders) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(w, g.Forwarders.Mark(r)) })
}

// Authorize says who sent a request, and whether that caller may do this to the target's session: see admission.Gate.
func (g *Gateway) Authorize(r *http.Request, t *resolve.Target, verb access.Verb) (access.Caller, error) {
	g.once.Do(g.prepare)
	return g.Gate.Authorize(r, t, verb)
}

// Forget closes the connections to a pod that is gone. Without it they end by themselves, after PodIdle.
func (g *Gateway) Forget(podUID string) {
	g.once.Do(g.prepare)
	g.pods.forget(podUID)
}

// Touched says that the API server has it that a session is needed: the first phase of a wake.
func (g *Gateway) Touched(id directory.ID) {
	g.once.Do(g.prepare)
	g.wakes.touched(id)
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
	if g.Pages == nil {
		g.Pages = page.Default()
	}
	g.MaxHeld = orDefault(g.MaxHeld, DefaultMaxHeld)
	g.MaxRaw = orDefault(g.MaxRaw, DefaultMaxRaw)
	g.PodIdle = orDefault(g.PodIdle, DefaultPodIdle)
	g.Stall = orDefault(g.Stall, DefaultStall)
	g.MaxHeldPerTenant = orDefault(g.MaxHeldPerTenant, DefaultMaxHeldPerTenant)
	g.Gate.Now, g.Table.Now, g.Table.Proxies = g.Now, g.Now, g.Proxies
	g.wakes = wakes{now: g.Now, metrics: g.Metrics, tracer: g.Tracer, names: g.Names}
	g.room = room{limit: g.MaxHeld, perTenant: g.MaxHeldPerTenant, metrics: g.Metrics, wakes: &g.wakes}
	g.MinRate = orDefault(g.MinRate, DefaultMinRate)
	g.pods = pods{address: g.Address, dial: g.Dial, now: g.Now, standard: g.Standard, idleFor: g.PodIdle, metrics: g.Metrics}
	g.upgrades.metrics = g.Metrics
	g.ending, g.turnOut = context.WithCancel(context.Background()) //nolint:gosec // a server calls it at its end
}

func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
