package cluster

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/singleflight"
	"k8s.io/apimachinery/pkg/fields"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// Options are what a Gateway needs. All are required, if nothing else is said.
type Options struct {
	Client       client.WithWatch // of a scheme with our kinds and Lease
	Identity     Identity
	MaxStaleness time.Duration // how long no renewal of the Lease may succeed until no new connection is dialled
	// CreatesPerClient is how many Sessions in a minute requests without a credential from one address bring about; zero: no bound.
	CreatesPerClient int
	Publish          func([]resolve.Template) // takes all sound templates, oldest first, each time one changes
	Ended            func(podUID string)      // takes each pod that was published and has ended; it must not block
	Wanted           func(directory.ID)       // takes each session that a request waits for, once the API server has it that it is needed; nil: nobody asks
	Names            gateway.Names            // how the log names sessions
	Metrics          prometheus.Registerer
	Log              *slog.Logger
	Now              func() time.Time
}

// Gateway is one gateway's part in the cluster: what it knows of sessions, and what it says of itself. It is the Sessions
// of the road.
type Gateway struct {
	// Directory is what the gateway knows of sessions.
	Directory *directory.Directory

	templates *feed
	sessions  *feed
	lease     *lease
	waker     *waker
	looks     singleflight.Group

	held   chan struct{} // closed when the Lease is held
	known  chan struct{} // closed when all templates are known
	synced chan struct{} // closed when all sessions in sight are known too
}

var _ gateway.Sessions = (*Gateway)(nil)

// New makes a Gateway. Run does its work.
func New(o Options) *Gateway {
	g := &Gateway{
		Directory: &directory.Directory{Now: o.Now, Ended: o.Ended},
		held:      make(chan struct{}),
		known:     make(chan struct{}),
		synced:    make(chan struct{}),
	}
	m := newMetrics(o.Metrics, g)
	g.lease = newLease(o, g.Directory, m)
	t := &templates{publish: o.Publish, synced: sync.OnceFunc(func() { close(g.known) }), log: o.Log}
	g.waker = newWaker(o, g.Directory, t, m)
	g.templates = newFeed(o, &v1alpha1.SessionTemplateList{}, fields.Everything(), t)
	g.templates.reached = func(bool) {}
	g.sessions = newFeed(o, &v1alpha1.SessionList{}, fields.ParseSelectorOrDie(sighted), &sight{
		to:     g.Directory,
		rules:  t.rules,
		hurry:  g.lease.hasten,
		synced: sync.OnceFunc(func() { close(g.synced) }),
	})
	g.sessions.reached = g.lease.fresh.reached
	g.Directory.Touch = g.waker.keep
	g.Directory.Settled = g.lease.hasten
	return g
}

func newLease(o Options, d *directory.Directory, m *metrics) *lease {
	return &lease{
		client: o.Client,
		who:    o.Identity,
		sight:  d.Sight,
		fresh:  &freshness{limit: o.MaxStaleness, now: o.Now, change: d.SetStale},
		now:    o.Now,
		log:    o.Log,
		failed: m.late.Inc,
		hurry:  make(chan struct{}, 1),
	}
}

func newWaker(o Options, d *directory.Directory, t *templates, m *metrics) *waker {
	if o.Wanted == nil {
		o.Wanted = func(directory.ID) {}
	}
	return &waker{templates: t, wanted: o.Wanted, paces: paces{perClient: o.CreatesPerClient}, toucher: &toucher{
		client:    o.Client,
		directory: d,
		rules:     t.rules,
		instance:  o.Identity.Instance,
		now:       o.Now,
		log:       o.Log,
		names:     o.Names,
		count:     func(result string) { m.touches.WithLabelValues(result).Inc() },
		tookBack:  m.takenBack.Inc,
	}}
}

func newFeed(o Options, list client.ObjectList, selector fields.Selector, to sink) *feed {
	return &feed{client: o.Client, list: list, selector: client.MatchingFieldsSelector{Selector: selector}, to: to, now: o.Now, log: o.Log}
}

// Run makes the Lease, follows templates and sessions, and renews the Lease, until the context ends. An error means that
// this process must end at once, without Release: its memory is worth nothing, or another process holds its Lease.
func (g *Gateway) Run(ctx context.Context) error {
	if err := g.lease.acquire(ctx); err != nil {
		return err
	}
	close(g.held)
	all, ctx := errgroup.WithContext(ctx)
	all.Go(func() error { return g.lease.run(ctx) })
	all.Go(func() error { return g.templates.run(ctx) })
	all.Go(func() error {
		select {
		case <-ctx.Done():
			return nil
		case <-g.known:
			return g.sessions.run(ctx)
		}
	})
	return all.Wait()
}

// Synced is closed when the Lease is held and all that is in sight was listed once: then the gateway may serve.
func (g *Gateway) Synced() <-chan struct{} { return g.synced }

// Release deletes the Lease. Only a gateway that has nothing in flight any more, and whose Run is over, may do that.
func (g *Gateway) Release(ctx context.Context) error { return g.lease.release(ctx) }

// Enter admits a request to a session that is reachable. See directory.Directory.Enter.
func (g *Gateway) Enter(id directory.ID) (*directory.Visit, bool) { return g.Directory.Enter(id) }

// Wake returns nil as soon as the session is reachable, a *directory.Refusal where it will not be, and the cause of the
// context's end if that comes first.
func (g *Gateway) Wake(ctx context.Context, w directory.Wish) error { return g.waker.wake(ctx, w) }
