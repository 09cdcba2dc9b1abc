package crash

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/cluster"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// restartTime is how long it takes until a gateway's container runs again.
const restartTime = time.Second

// replica is a pod of the real gateway's hands, internal/cluster.
type replica struct {
	world *world
	name  string
	uid   types.UID
	gone  bool // the pod is
	runs  *run
	count int // of its processes
	again time.Time
}

// run is one process of a replica.
type run struct {
	*cluster.Gateway
	of   *replica
	name string
	dead bool
	life context.Context // ends with the process
	end  context.CancelFunc
	hang context.CancelFunc // ends what Run does, and not the process
	over chan struct{}      // closed when Run has returned
	told *coordinationv1.Lease
}

func newReplica(w *world, name string) *replica {
	pod := gatewayPod(w.namespace, name)
	w.must(w.api.Create(context.Background(), pod))
	return &replica{world: w, name: name, uid: pod.UID, again: w.now()}
}

// start starts a process, if there is none and its time has come.
func (r *replica) start() bool {
	w := r.world
	if r.gone || r.runs != nil && !r.runs.dead || r.again.After(w.now()) {
		return false
	}
	r.count++
	p := &run{of: r, name: fmt.Sprintf("%s-%d", r.name, r.count), over: make(chan struct{})}
	p.life, p.end = context.WithCancel(context.Background())
	var ctx context.Context
	ctx, p.hang = context.WithCancel(p.life)
	line := p.client()
	if w.script.mutateRun != nil {
		line = w.script.mutateRun(p, line)
	}
	p.Gateway = cluster.New(cluster.Options{
		Client:       line,
		Identity:     cluster.Identity{Instance: p.name, Name: r.name, Namespace: w.namespace, PodUID: string(r.uid), Started: w.now()},
		MaxStaleness: 30 * time.Second,
		Publish:      func([]resolve.Template) {},
		Ended:        func(string) {},
		Metrics:      prometheus.NewRegistry(),
		Log:          slog.New(slog.DiscardHandler),
		Now:          w.now,
	})
	r.runs = p
	w.note("%s starts", p.name)
	go func() {
		defer close(p.over)
		err := p.Run(ctx)
		defer w.take()()
		if err != nil && !errors.Is(err, context.Canceled) && !p.dead {
			w.laws.breaks("%s ends by itself: %v", p.name, err)
		}
	}()
	return true
}

// dies ends a process at once; all that it did breaks off.
func (p *run) dies() {
	p.dead = true
	p.of.again = p.of.world.now().Add(restartTime)
	p.of.world.note("%s dies", p.name)
	p.end()
	p.of.world.poke()
}

// leaves ends a process as SIGTERM does: when its requests have their answers, it deletes its Lease; then its pod goes.
func (r *replica) leaves() {
	w, p := r.world, r.runs
	r.gone = true // nothing new comes here
	w.note("%s is asked to end", p.name)
	go func() {
		for w.asksAt(p) > 0 {
			time.Sleep(50 * time.Millisecond)
		}
		p.hang()
		<-p.over
		for range 3 { // it has no other chance; then its pod goes with its Lease
			if p.Release(p.life) == nil {
				break
			}
		}
		defer w.take()()
		p.dead = true
		p.end()
		r.drop()
		w.poke()
	}()
}

// killed ends a process and its pod at once.
func (r *replica) killed() {
	r.gone = true
	r.runs.dies()
	r.drop()
}

func (r *replica) drop() {
	err := r.world.api.Delete(context.Background(), gatewayPod(r.world.namespace, r.name), client.GracePeriodSeconds(0))
	r.world.must(client.IgnoreNotFound(err))
}

// collectLeases is the garbage collector: a Lease whose pod is gone goes.
func (w *world) collectLeases() bool {
	for _, r := range w.replicas {
		lease := &coordinationv1.Lease{}
		pod := &corev1.Pod{}
		key := client.ObjectKey{Namespace: w.namespace, Name: r.name}
		if w.seen().get(key, pod) == nil || w.seen().get(key, lease) != nil {
			continue
		}
		w.must(w.api.Delete(context.Background(), lease))
		return true
	}
	return false
}

// ask is a request for a session, from where it comes in until its answer.
type ask struct {
	world  *world
	name   string // of the session
	where  int    // the replica that it comes to first
	takes  time.Duration
	until  time.Time // its deadline
	at     *run      // that has it
	pod    types.UID // that it is in flight in
	since  int64     // the version that there was when it went there
	answer string    // empty: none yet

	refused bool // it was told that there is no such thing
}

func asks(where int, name string, takes time.Duration) act {
	return act{name: fmt.Sprintf("request for %s at gateway %d", name, where+1), do: func(w *world) {
		const wakeTimeout = time.Minute
		q := &ask{world: w, name: name, where: where, takes: takes, until: w.now().Add(wakeTimeout)}
		w.asks = append(w.asks, q)
		go q.goes()
	}}
}

// goes has a request answered; a client whose gateway dies asks again.
func (q *ask) goes() {
	for {
		p := q.enter()
		if p == nil {
			time.Sleep(100 * time.Millisecond)
			continue
		}
		if q.leave(p, q.road(p)) {
			return
		}
		time.Sleep(5 * time.Second)
	}
}

// enter finds a process that takes the request: that of its gateway, or of another one.
func (q *ask) enter() *run {
	w := q.world
	defer w.take()()
	for i := range w.replicas {
		r := w.replicas[(q.where+i)%len(w.replicas)]
		if r.gone || r.runs == nil || r.runs.dead {
			continue
		}
		select {
		case <-r.runs.Synced():
			q.at = r.runs
			return q.at
		default:
		}
	}
	return nil
}

func (q *ask) leave(p *run, answer string) (done bool) {
	w := q.world
	defer w.take()()
	q.at, q.pod = nil, ""
	if p.dead && answer != "served" {
		w.note("%s loses the request for %s", p.name, q.name)
		q.until = w.now().Add(time.Minute) // the client's next request
		return false
	}
	if !q.refused && (answer == "refused: NotFound" || answer == "refused: Deleted") { // as it was just then: the client asks once more
		q.refused, q.until = true, w.now().Add(time.Minute)
		return false
	}
	q.answer = answer
	w.note("%s answers the request for %s: %s", p.name, q.name, answer)
	w.poke()
	return true
}

// road takes a request to its session, as internal/gateway does, and gives its answer.
func (q *ask) road(p *run) string {
	ctx, cancel := context.WithDeadlineCause(p.life, q.until, errLate)
	defer cancel()
	template, key, _ := strings.Cut(q.name, ".")
	wish := directory.Wish{
		ID: directory.ID{Namespace: q.world.namespace, Name: q.name}, Template: template, Key: key, Create: true, IdleAfter: time.Minute,
	}
	for ctx.Err() == nil {
		visit, ok := p.Enter(wish.ID)
		if !ok {
			if err := p.Wake(ctx, wish); err != nil {
				return q.told(p, err)
			}
			continue
		}
		if q.flies(p, visit) {
			return "served"
		}
		visit.Leave()
		time.Sleep(10 * time.Millisecond)
	}
	return q.told(p, ctx.Err())
}

var errLate = errors.New("its time is up")

// flies has a pod answer a request, if something runs in it.
func (q *ask) flies(p *run, visit *directory.Visit) bool {
	in := q.sent(visit)
	if in == nil {
		return false
	}
	answer := time.NewTimer(q.takes)
	defer answer.Stop()
	select {
	case <-answer.C:
	case <-p.life.Done():
	}
	defer visit.Leave()
	return q.answered(p, in)
}

func (q *ask) sent(visit *directory.Visit) *process {
	w := q.world
	defer w.take()()
	in := w.processes[types.UID(visit.Pod().UID)]
	if in == nil || !in.runs {
		return nil
	}
	q.pod, q.since = in.uid, w.store.version
	return in
}

func (q *ask) answered(p *run, in *process) bool {
	w := q.world
	defer w.take()()
	q.pod = ""
	switch {
	case p.dead:
		return false
	case !in.runs:
		w.laws.breaks("I4: a request for %s is lost with its pod", q.name)
		return false
	}
	in.acked++
	return true
}

// told is the answer of a request that got no seat. It must have a reason before its deadline.
func (q *ask) told(p *run, err error) string {
	var r *directory.Refusal
	w := q.world
	defer w.take()()
	switch {
	case errors.As(err, &r):
		return "refused: " + r.Reason
	case p.dead:
	case w.now().Before(q.until):
		w.laws.breaks("I4: the request for %s is answered before its deadline, and without a reason: %v", q.name, err)
	}
	return "not in time"
}

// asksAt is how many requests a process has.
func (w *world) asksAt(p *run) (n int) {
	defer w.take()()
	for _, q := range w.asks {
		if q.at == p {
			n++
		}
	}
	return n
}

// watermark is I4 and I5: a Lease does not vouch for an unpublished version while a request is in flight there that nobody has touched for.
func (l *laws) watermark(p *run, lease *coordinationv1.Lease) {
	w := l.world
	mark, _ := strconv.ParseInt(lease.Annotations[v1alpha1.AnnotationWatermark], 10, 64)
	for _, q := range w.asks {
		if q.at != p || q.pod == "" {
			continue
		}
		s := w.sessionAt(q.name, mark)
		v := versionOf(s)
		if s == nil || v <= q.since || s.Status.Endpoint != nil || s.Status.Drain == nil || s.Touched() {
			continue
		}
		drain := s.Status.Drain
		settled := drain.Forced && drain.Deadline != nil && !w.now().Before(drain.Deadline.Time)
		if !settled && !strings.Contains(lease.Annotations[v1alpha1.AnnotationUnsettled], string(s.UID)) {
			l.breaks("I4: %s vouches for version %d of %s (watermark %d) with a request in flight there", p.name, v, q.name, mark)
		}
	}
}

// sessionAt is a session as it was at a version.
func (w *world) sessionAt(name string, version int64) (found *v1alpha1.Session) {
	for _, c := range w.log() {
		if c.version <= version && c.id.kind == "Session" && c.id.key.Name == name {
			found, _ = c.now.(*v1alpha1.Session)
		}
	}
	return found
}

func versionOf(s *v1alpha1.Session) int64 {
	if s == nil {
		return 0
	}
	v, _ := strconv.ParseInt(s.ResourceVersion, 10, 64)
	return v
}

// flown looks at the requests that are in flight in a process that is stopped.
func (l *laws) flown(p *process) {
	w := l.world
	for _, q := range w.asks {
		if q.pod != p.uid || q.at == nil || q.at.dead {
			continue
		}
		s := w.session(q.name)
		if s != nil && s.Status.Drain != nil && s.Status.Drain.Forced && !w.now().Before(s.Status.Drain.Deadline.Time) {
			continue
		}
		l.breaks("I4: %s is stopped while it has a request of %s", p.uid, q.at.name)
	}
}

// calm says whether nobody asks, and no gateway holds anything.
func (w *world) calm() bool {
	for _, q := range w.asks {
		if q.answer == "" {
			return false
		}
	}
	for _, r := range w.replicas {
		if !r.gone && (r.runs == nil || r.runs.dead || r.runs.Directory.Len() > 0) {
			return false
		}
	}
	return true
}

// noteMoves notes when anything was written last but a Lease.
func (w *world) noteMoves() {
	if len(w.replicas) == 0 {
		return
	}
	for log := w.log(); w.looked < len(log); w.looked++ {
		if log[w.looked].id.kind != "Lease" {
			w.moved = w.now()
		}
	}
}

// endReplicas ends all that goes on in gateways, when a story is over.
func (w *world) endReplicas() {
	defer w.take()()
	for _, r := range w.replicas {
		if r.runs != nil && !r.runs.dead {
			r.runs.dies()
		}
	}
}

// replicasDue is when something may have moved in a gateway, if something may: what moves in none for minutes never will.
func (w *world) replicasDue() (next time.Time) {
	const patience = 3 * time.Minute
	if len(w.replicas) == 0 || w.calm() || w.now().Sub(w.moved) > patience {
		return next
	}
	return w.now().Add(5 * time.Second) // whatever moves, pokes
}

// left is what gateways must not leave over.
func (l *laws) left() {
	w := l.world
	for _, q := range w.asks {
		if q.answer == "" {
			l.breaks("I4: the request for %s has no answer", q.name)
		}
	}
	for _, r := range w.replicas {
		if r.gone || r.runs == nil {
			continue
		}
		if n := r.runs.Directory.Len(); n > 0 {
			l.breaks("I7: %s holds %d sessions: %v", r.runs.name, n, r.runs.Directory.IDs())
		}
		if n := r.runs.Directory.Unsettled(); n > 0 {
			l.breaks("I6: %s does not vouch for %d sessions", r.runs.name, n)
		}
	}
}

// answers are the answers of the requests, the Leases that are left, and how often each session was made.
func (w *world) answers() (words []string) {
	for i, q := range w.asks {
		words = append(words, fmt.Sprintf("request %d: %s", i+1, q.answer))
	}
	for _, at := range w.seen().sorted("Lease") {
		words = append(words, "lease "+at.key.Name)
	}
	made := map[string]map[types.UID]bool{}
	for _, c := range w.log() {
		if s, ok := c.now.(*v1alpha1.Session); ok {
			if made[s.Name] == nil {
				made[s.Name] = map[types.UID]bool{}
			}
			made[s.Name][s.UID] = true
		}
	}
	for name, uids := range made {
		words = append(words, fmt.Sprintf("%s was made %d times", name, len(uids)))
	}
	return words
}

func isNotFound(o client.Object) error { return apierrors.NewNotFound(idOf(o).resource(), o.GetName()) }
