package crash

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/events"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/controllers/session"
	"github.com/dormouse-dev/dormouse/internal/census"
	"github.com/dormouse-dev/dormouse/internal/savehook"
	"github.com/dormouse-dev/dormouse/internal/sight"
	"github.com/dormouse-dev/dormouse/internal/slots"
)

// errDead is what a dead operator's calls end with. Nothing comes of it: what that operator knew dies with it.
var errDead = errors.New("this operator is dead")

// firstPause is the first wait of controller-runtime's queue after an error; it doubles.
const firstPause = 5 * time.Millisecond

// operator is one process: a Reconciler with all that it remembers, its cache, and the queue that controller-runtime would
// have for it, which this package takes turns of one at a time.
type operator struct {
	world *world
	name  string
	r     *session.Reconciler
	dead  bool
	stop  context.CancelFunc

	cache  shelf
	heard  map[string]int // how much of the log, by kind
	timers map[types.NamespacedName]time.Time
	fails  map[types.NamespacedName]int

	listed chan struct{} // told of each list beside the turns
	mu     sync.Mutex    // what goes on beside the turns asks for turns too
	queue  []types.NamespacedName
}

// newOperator is an operator that has just become the leader: it knows nothing, and has heard nothing.
func newOperator(w *world) *operator {
	w.leaders++
	w.unsettle()
	op := &operator{world: w, name: fmt.Sprintf("operator %d:", w.leaders), cache: shelf{}, heard: map[string]int{}, timers: map[types.NamespacedName]time.Time{}, fails: map[types.NamespacedName]int{}, listed: make(chan struct{}, 1)}
	live := interceptor.NewClient(w.api, interceptor.Funcs{Get: op.get, List: op.list})
	op.r = &session.Reconciler{Client: op.client(), Live: live, Events: &events.FakeRecorder{}, Now: w.now}
	beside := interceptor.NewClient(w.api, interceptor.Funcs{Get: op.getBeside, List: op.listBeside})
	op.r.Sight = &sight.Sight{Reader: beside, Namespace: w.namespace, Now: w.now, Seen: op.ask}
	op.r.Slots = &slots.Slots{Freed: func(id slots.ID) { op.ask(types.NamespacedName(id)) }}
	op.r.Census = &census.Census{Moved: func(id census.ID) { op.ask(types.NamespacedName(id)) }}
	op.r.Rollouts = &slots.Slots{Freed: func(id slots.ID) { op.ask(types.NamespacedName(id)) }}
	op.r.Hooks = &savehook.Hooks{HTTP: w, Now: w.now, Ended: op.ask}
	if w.script.mutate != nil {
		w.script.mutate(op)
	}
	ctx, cancel := context.WithCancel(context.Background())
	op.stop = cancel
	go func() { _ = op.r.Sight.Start(ctx) }()
	return op
}

// ask queues a session for a turn.
func (op *operator) ask(name types.NamespacedName) {
	if name.Name == "" { // a probe's
		return
	}
	op.mu.Lock()
	defer op.mu.Unlock()
	if !slices.Contains(op.queue, name) {
		op.queue = append(op.queue, name)
	}
	op.world.poke()
}

func (op *operator) next() (name types.NamespacedName, ok bool) {
	op.mu.Lock()
	defer op.mu.Unlock()
	if len(op.queue) == 0 {
		return name, false
	}
	name, op.queue = op.queue[0], op.queue[1:]
	return name, true
}

// turn takes the first turn of the queue, if there is one.
func (op *operator) turn(ctx context.Context) bool {
	name, ok := op.next()
	if !ok {
		return false
	}
	delete(op.timers, name)
	op.world.turns++
	op.world.unsettle()
	result, err := op.r.Reconcile(ctx, ctrl.Request{NamespacedName: name})
	switch {
	case op.dead:
	case err != nil:
		op.world.note("turn of %s: %v", name.Name, err)
		op.timers[name] = op.world.now().Add(firstPause << min(op.fails[name], 17))
		op.fails[name]++
	default:
		delete(op.fails, name)
		if result.RequeueAfter > 0 {
			op.timers[name] = op.world.now().Add(result.RequeueAfter)
		}
	}
	return true
}

// due queues those whose time has come, and says when the next one's will have.
func (op *operator) due() (next time.Time) {
	for name, at := range op.timers {
		if !at.After(op.world.now()) {
			delete(op.timers, name)
			op.ask(name)
			continue
		}
		if next.IsZero() || at.Before(next) {
			next = at
		}
	}
	return next
}

// behind says whether there is news of a kind that the operator's cache has not heard.
func (op *operator) behind(kind string) bool {
	log := op.world.log()
	for op.heard[kind] < len(log) && log[op.heard[kind]].id.kind != kind {
		op.heard[kind]++
	}
	return op.heard[kind] < len(log)
}

// kinds are those that the operator watches.
var kinds = []string{"SessionTemplate", "Session", "Pod", "Node", "Lease"}

// catchUp has the cache hear all there is, and says whether there was any news.
func (op *operator) catchUp() (news bool) {
	for _, kind := range kinds {
		for op.behind(kind) {
			op.hear(kind)
			news = true
		}
	}
	return news
}

// hear has the cache hear one change of a kind, and queues whom it concerns.
func (op *operator) hear(kind string) {
	c := op.world.log()[op.heard[kind]]
	op.heard[kind]++
	before := op.cache[c.id]
	op.keep(c)
	op.concerns(c, before)
}

// relist has the cache list a kind as it was at some point of the log, and queues whom the difference concerns.
func (op *operator) relist(kind string, upTo int) {
	before := map[id]client.Object{}
	for ; op.heard[kind] < upTo; op.heard[kind]++ {
		c := op.world.log()[op.heard[kind]]
		if c.id.kind != kind {
			continue
		}
		if _, seen := before[c.id]; !seen {
			before[c.id] = op.cache[c.id]
		}
		op.keep(c)
	}
	for _, at := range slices.SortedFunc(maps.Keys(before), byName) {
		op.concerns(change{id: at, now: op.cache[at]}, before[at])
	}
}

func (op *operator) keep(c change) {
	if c.now == nil {
		delete(op.cache, c.id)
	} else {
		op.cache[c.id] = c.now
	}
}

// concerns queues the sessions that a change is news for, as SetupWithManager of controllers/session wires it.
func (op *operator) concerns(c change, before client.Object) {
	switch c.id.kind {
	case "Pod":
		op.ask(c.id.key)
	case "Session":
		op.ask(c.id.key)
		op.askAll(func(s *v1alpha1.Session) bool { return slices.Contains(session.StartedNames(s), c.id.key.Name) })
	case "SessionTemplate":
		if c.now != nil && before != nil && c.now.GetGeneration() == before.GetGeneration() {
			return
		}
		op.askAll(func(s *v1alpha1.Session) bool { return s.Spec.Template == c.id.key.Name })
	case "Node":
		if node, ok := c.now.(*corev1.Node); ok && len(node.Spec.Taints) == 0 {
			return
		}
		for _, at := range op.cache.sorted("Pod") {
			if op.cache[at].(*corev1.Pod).Spec.NodeName == c.id.key.Name {
				op.ask(at.key)
			}
		}
	case "Lease":
		op.r.Sight.Poke()
	}
}

func (op *operator) askAll(of func(*v1alpha1.Session) bool) {
	for _, at := range op.cache.sorted("Session") {
		if of(op.cache[at].(*v1alpha1.Session)) {
			op.ask(at.key)
		}
	}
}

// client reads from the cache and writes to the API server, as a manager's client does. Each write may fail.
func (op *operator) client() client.WithWatch {
	return interceptor.NewClient(op.world.api, interceptor.Funcs{
		Get: func(_ context.Context, _ client.WithWatch, key client.ObjectKey, o client.Object, _ ...client.GetOption) error {
			return op.cache.get(key, o)
		},
		List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
			return op.cache.list(list, opts...)
		},
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return op.write("create", o, func() error { return c.Create(ctx, o, opts...) })
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return op.write("delete", o, func() error { op.world.laws.beforeDelete(o, opts); return c.Delete(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			return op.write("patch", o, func() error { op.world.laws.beforePatch(o); return c.Patch(ctx, o, patch, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, patch client.Patch, opts ...client.SubResourcePatchOption) error {
			return op.write(sub, o, func() error { return c.SubResource(sub).Patch(ctx, o, patch, opts...) })
		},
	})
}

func (op *operator) write(verb string, o client.Object, do func() error) error {
	words := verb + " " + idOf(o).kind + " " + o.GetName()
	if s, ok := o.(*v1alpha1.Session); ok && verb == "status" {
		words += fmt.Sprintf(" %s/%s epoch %d", s.Status.Phase, s.ReadyReason(), s.Status.Epoch)
	}
	return op.call(words, true, do)
}

func (op *operator) get(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	return op.call("get "+idOf(o).kind+" "+key.Name, false, func() error { return c.Get(ctx, key, o, opts...) })
}

func (op *operator) list(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
	return op.call("list "+idOf(list).kind, false, func() error { return c.List(ctx, list, opts...) })
}

func (op *operator) getBeside(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
	defer op.world.take()()
	return op.get(ctx, c, key, o, opts...)
}

func (op *operator) listBeside(ctx context.Context, c client.WithWatch, list client.ObjectList, opts ...client.ListOption) error {
	defer op.world.take()()
	select {
	case op.listed <- struct{}{}:
	default:
	}
	return op.list(ctx, c, list, opts...)
}

// call makes a call, with the fault that it has.
func (op *operator) call(what string, writes bool, do func() error) error {
	if op.dead {
		return errDead
	}
	w := op.world
	fault := w.fault(what, writes)
	err := w.faulty(op, fault, do)
	if w.server == nil || writes { // there, it looks at the Leases again and again
		w.note("%s %s%s: %v", op.name, what, fault.words(), err)
	}
	return err
}

// A fault is what becomes of a call.
type fault int

const (
	none fault = iota
	diesBefore
	diesAfter
	conflict
	tooMany
	internal
	timeout
	notFound
)

var faultNames = [...]string{"no fault", "dies before", "dies after", "409", "429", "500", "timeout after commit", "404"}

func (f fault) String() string { return faultNames[f] }

func (f fault) words() string {
	if f == none {
		return ""
	}
	return " (" + f.String() + ")"
}

// suits says whether such a call can have such a fault: a read has no conflict, and finds what is there.
func (f fault) suits(writes bool) bool {
	return writes || f == diesBefore || f == diesAfter || f == tooMany || f == internal
}

// dies ends an operator at once.
func (op *operator) dies() { op.dead = true }

func (w *world) faulty(caller interface{ dies() }, f fault, do func() error) error {
	gr := v1alpha1.GroupVersion.WithResource("anything").GroupResource()
	switch f {
	case diesBefore:
		caller.dies()
		return errDead
	case diesAfter:
		_ = w.committed(do)
		caller.dies()
		return errDead
	case conflict:
		return apierrors.NewConflict(gr, "anything", errors.New("injected"))
	case tooMany:
		return apierrors.NewTooManyRequests("injected", 1)
	case internal:
		return apierrors.NewInternalError(errors.New("injected"))
	case timeout:
		_ = w.committed(do)
		return apierrors.NewTimeoutError("injected", 1)
	case notFound:
		return apierrors.NewNotFound(gr, "anything")
	}
	return w.committed(do)
}

// committed makes a write, and looks whether the world may be as it is then.
func (w *world) committed(do func() error) error {
	err := do()
	w.refresh()
	w.laws.after()
	return err
}
