package crash

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// world is all that there is beside the operator: an API server, a node with its kubelet, two gateways, the garbage collector, and
// a clock. All of it moves one move at a time.
type world struct {
	api       client.WithWatch // as everybody but the operator sees it
	store     *store           // what is behind it; or
	server    *server
	namespace string
	now       func() time.Time
	script    scenario

	ops         []*operator
	gateways    []*gateway
	replicas    []*replica // real ones, in their place
	asks        []*ask
	processes   map[types.UID]*process
	ended       map[client.ObjectKey]int // processes that ended by themselves
	mended      map[string]bool
	lost        map[string]bool // nodes that nobody hears of
	saving      int
	failedSaves int
	laws        laws

	faults map[int]fault // by the number of the call
	calls  []call

	replicaFaults  map[int]fault // likewise, of the calls of real gateways
	replicaCalls   []call
	awayUntil      time.Time // the API server is, for real gateways
	untouchedUntil time.Time // touches fail
	moved          time.Time // when anything was written last but a Lease
	looked         int       // of the log, for that

	turns   int
	leaders int       // that there were
	acted   time.Time // when the last act was
	woken   chan struct{}
	baton   chan struct{} // whoever has it moves
	trace   []string
}

// call is a call that an operator made.
type call struct {
	what   string
	writes bool
}

// newWorld is one in memory, in a bubble of time.
func newWorld(script scenario, faults map[int]fault) *world {
	w := emptyWorld(script, faults)
	w.now, w.namespace = time.Now, "default"
	w.store = newStore(w.now)
	w.api = w.store
	w.begin()
	return w
}

func emptyWorld(script scenario, faults map[int]fault) *world {
	w := &world{
		script: script, faults: faults, processes: map[types.UID]*process{}, ended: map[client.ObjectKey]int{}, mended: map[string]bool{},
		lost: map[string]bool{}, woken: make(chan struct{}, 1), baton: make(chan struct{}, 1),
	}
	w.laws = laws{world: w, published: map[types.UID]map[int64]types.UID{}, epochs: map[types.UID]int64{}, pods: map[types.UID]*corev1.Pod{}}
	return w
}

// begin makes all that there is before the first act.
func (w *world) begin() {
	for _, name := range []string{"gateway-1", "gateway-2"} {
		if w.script.replicas {
			w.replicas = append(w.replicas, newReplica(w, name))
			continue
		}
		w.gateways = append(w.gateways, newGateway(w, name))
	}
	for _, name := range []string{"node-1", "node-2"} {
		node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}
		w.must(w.api.Create(context.Background(), node))
		node.Status.Allocatable = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100")}
		w.must(w.api.Status().Update(context.Background(), node))
	}
	for _, t := range w.script.templates {
		t = t.DeepCopy()
		t.Namespace = w.namespace
		w.must(w.api.Create(context.Background(), t))
	}
	w.ops = []*operator{newOperator(w)}
}

func (w *world) must(err error) {
	if err != nil {
		panic(err)
	}
}

// log is all that was written, as far as it was looked at.
func (w *world) log() []change {
	if w.server != nil {
		return w.server.log
	}
	return w.store.log
}

// seen is all that there is now.
func (w *world) seen() shelf {
	if w.server != nil {
		w.refresh()
		return w.server.objects
	}
	return w.store.objects
}

// refresh looks at what was written.
func (w *world) refresh() {
	if w.server != nil {
		w.must(w.server.look(w.namespace))
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf("%s %s", w.now().Format("04:05.000"), fmt.Sprintf(format, args...)))
}

// take waits until nobody else moves, and gives the end of the move.
func (w *world) take() (end func()) {
	w.baton <- struct{}{}
	return func() { <-w.baton }
}

// settle lets all that goes on beside the turns go on until it waits for something.
func (w *world) settle() {
	w.noteMoves()
	<-w.baton
	if w.server != nil {
		w.server.settle(w)
	} else {
		synctest.Wait()
	}
	w.baton <- struct{}{}
	w.refresh()
}

// unsettle says that something may go on beside the turns.
func (w *world) unsettle() {
	if w.server != nil {
		w.server.unsettled = true
	}
}

// poke ends a wait for time to pass.
func (w *world) poke() {
	select {
	case w.woken <- struct{}{}:
	default:
	}
}

// fault is what becomes of the next call of an operator.
func (w *world) fault(what string, writes bool) fault {
	if w.server != nil && !writes { // they are not the same from one time to the next
		return none
	}
	w.calls = append(w.calls, call{what, writes})
	if f := w.faults[len(w.calls)]; f.suits(writes) {
		return f
	}
	return none
}

// replicaFault is what becomes of the next call of a real gateway.
func (w *world) replicaFault(what string, writes bool) fault {
	w.replicaCalls = append(w.replicaCalls, call{what, writes})
	if f := w.replicaFaults[len(w.replicaCalls)]; f.suits(writes) {
		return f
	}
	return none
}

// close ends all that goes on beside the moves. A bubble's time ends with it, so saves that nobody waits for come to their end first.
func (w *world) close() {
	for _, op := range w.ops {
		op.stop()
	}
	w.endReplicas()
	if w.server == nil {
		time.Sleep(time.Minute)
	}
}

// Bounds of a story. One that passes them does not come to rest.
const (
	mostMoves = 3000
	mostTime  = 3 * time.Hour
)

// play plays the script to its end and the world to its rest.
func (w *world) play() {
	defer w.take()()
	began := w.now()
	acts := slices.Clone(w.script.acts)
	for range mostMoves {
		w.settle()
		switch {
		case w.now().Sub(began) > mostTime:
			w.laws.breaks("no rest after %s", mostTime)
			return
		case w.revive(), w.act(&acts, false), w.operate(), w.surroundings():
		case w.act(&acts, true), w.wait(acts):
		case len(acts) > 0: // its moment never came
			acts[0].when, acts[0].wait = nil, 0
		default:
			return
		}
	}
	w.laws.breaks("no rest after %d moves", mostMoves)
}

// act does the next act of the script if its moment has come: one without a condition waits for rest.
func (w *world) act(acts *[]act, rest bool) bool {
	if len(*acts) == 0 || !(*acts)[0].ready(w, rest) {
		return false
	}
	next := (*acts)[0]
	*acts, w.acted = (*acts)[1:], w.now()
	w.note("ACT %s", next.name)
	next.do(w)
	return true
}

// ready says whether the moment of an act has come, in a world at rest or not.
func (a *act) ready(w *world, rest bool) bool {
	switch {
	case a.when != nil:
		return a.when(w)
	case a.wait > 0:
		return !w.now().Before(w.acted.Add(a.wait))
	}
	return rest
}

// revive puts a fresh operator in the place of a dead one.
func (w *world) revive() (revived bool) {
	for i, op := range w.ops {
		if op.dead {
			op.stop()
			w.ops[i] = newOperator(w)
			revived = true
		}
	}
	for _, r := range w.replicas {
		revived = r.start() || revived
	}
	return revived
}

func (w *world) operate() (moved bool) {
	for _, op := range w.ops {
		op.due()
		if op.catchUp() || op.turn(context.Background()) {
			moved = true
		}
	}
	return moved
}

func (w *world) surroundings() bool {
	for _, g := range w.gateways {
		if g.move() {
			return true
		}
	}
	return w.kubelet() || w.collect() || w.collectLeases()
}

// wait lets time pass until the next thing is due. It says whether there is one.
func (w *world) wait(acts []act) bool {
	const patience = 15 * time.Second // for what an operator waits for beside its turns
	next := time.Time{}
	sooner := func(at time.Time) {
		if !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	for _, op := range w.ops {
		sooner(op.due())
	}
	for _, p := range w.processes {
		if p.runs && !w.lost[p.node] {
			sooner(p.endsAt)
		}
	}
	for _, g := range w.gateways {
		sooner(g.due())
	}
	sooner(w.replicasDue())
	if len(acts) > 0 && acts[0].wait > 0 {
		sooner(w.acted.Add(acts[0].wait))
	}
	if next.IsZero() && w.drains() {
		sooner(w.now().Add(patience))
	}
	if next.IsZero() {
		return false
	}
	w.rest(next.Sub(w.now()))
	return true
}

// rest lets time pass, until somebody pokes.
func (w *world) rest(d time.Duration) {
	if w.server != nil {
		w.server.clock.SetTime(w.now().Add(d))
		w.unsettle()
		return
	}
	<-w.baton
	alarm := time.NewTimer(d)
	defer alarm.Stop()
	select {
	case <-alarm.C:
	case <-w.woken:
	}
	w.baton <- struct{}{}
}

func (w *world) drains() bool {
	return slices.ContainsFunc(w.sessions(), func(s v1alpha1.Session) bool { return s.Status.Phase == v1alpha1.PhaseDraining })
}

func (w *world) sessions() []v1alpha1.Session {
	var list v1alpha1.SessionList
	w.must(w.seen().list(&list, client.InNamespace(w.namespace)))
	return list.Items
}

func (w *world) session(name string) *v1alpha1.Session {
	s := &v1alpha1.Session{}
	if client.IgnoreNotFound(w.seen().get(client.ObjectKey{Namespace: w.namespace, Name: name}, s)) != nil || s.UID == "" {
		return nil
	}
	return s
}

// pods are those of sessions.
func (w *world) pods() []corev1.Pod {
	var list corev1.PodList
	w.must(w.seen().list(&list, client.InNamespace(w.namespace), client.HasLabels{v1alpha1.LabelTemplate}))
	return list.Items
}

func (w *world) pod(name string) *corev1.Pod {
	pod := &corev1.Pod{}
	if client.IgnoreNotFound(w.seen().get(client.ObjectKey{Namespace: w.namespace, Name: name}, pod)) != nil || pod.UID == "" {
		return nil
	}
	return pod
}

// collect is the garbage collector: what has an owner that is gone is deleted.
func (w *world) collect() bool {
	owners := map[types.UID]bool{}
	for _, s := range w.sessions() {
		owners[s.UID] = true
	}
	for _, o := range w.owned() {
		refs := o.GetOwnerReferences()
		if len(refs) == 0 || owners[refs[0].UID] || o.GetDeletionTimestamp() != nil {
			continue
		}
		uid := o.GetUID()
		w.must(w.api.Delete(context.Background(), o, client.Preconditions{UID: &uid}))
		w.note("%s %s is collected", idOf(o).kind, o.GetName())
		return true
	}
	return false
}

func (w *world) owned() (owned []client.Object) {
	for _, pod := range w.pods() {
		owned = append(owned, &pod)
	}
	var claims corev1.PersistentVolumeClaimList
	w.must(w.seen().list(&claims, client.InNamespace(w.namespace)))
	for i := range claims.Items {
		owned = append(owned, &claims.Items[i])
	}
	return owned
}

// create makes a session of a name, as a gateway or a person would.
func (w *world) create(name string, annotations map[string]string) {
	template, key, _ := strings.Cut(name, ".")
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: name, Annotations: annotations}}
	s.Spec = v1alpha1.SessionSpec{Template: template, Key: key}
	w.must(w.api.Create(context.Background(), s))
}
