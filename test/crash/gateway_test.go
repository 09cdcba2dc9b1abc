package crash

import (
	"context"
	"strconv"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// pace is how often a gateway touches what its requests need: a third of the idle time of these stories.
const pace = 20 * time.Second

// gateway keeps the protocol as internal/cluster does, with one request for a key at a time.
type gateway struct {
	world   *world
	name    string
	dead    bool
	heard   int // of the log
	version int64
	written int64                        // the watermark in its Lease
	routes  map[string]types.UID         // the pods that it may send to
	views   map[string]*v1alpha1.Session // as it has heard of them
	waiting map[string]bool              // requests that wait for their session
	flying  map[string]types.UID         // requests that a pod has, and has not answered
	touched map[string]time.Time
}

func newGateway(w *world, name string) *gateway {
	g := &gateway{
		world: w, name: name, routes: map[string]types.UID{}, views: map[string]*v1alpha1.Session{},
		waiting: map[string]bool{}, flying: map[string]types.UID{}, touched: map[string]time.Time{},
	}
	pod := gatewayPod(w.namespace, name)
	w.must(w.api.Create(context.Background(), pod))
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{
		Namespace: w.namespace, Name: name, Labels: map[string]string{v1alpha1.LabelComponent: v1alpha1.ComponentGateway},
		Annotations: map[string]string{v1alpha1.AnnotationPodUID: string(pod.UID)},
	}}
	now := metav1.NewMicroTime(w.now())
	lease.Spec.AcquireTime = &now
	w.must(w.api.Create(context.Background(), lease))
	return g
}

// request is a request for a session: it is sent at once, or waits.
func (g *gateway) request(name string) {
	if g.dead {
		return
	}
	g.waiting[name] = true
	g.forward(name)
	if g.waiting[name] || g.world.now().Sub(g.touched[name]) >= pace {
		g.touch(name)
	}
}

// forward sends the request that waits, if there is a process to answer it.
func (g *gateway) forward(name string) {
	if p := g.world.processes[g.routes[name]]; p != nil && p.runs && g.waiting[name] {
		delete(g.waiting, name)
		p.acked++
		g.world.note("%s: %s answers", g.name, p.uid)
	}
}

// fly sends a request that takes as long as the script wants.
func (g *gateway) fly(name string) {
	if uid := g.routes[name]; uid != "" {
		g.flying[name] = uid
		g.touch(name)
	}
}

// land is its answer.
func (g *gateway) land(name string) {
	if uid, ok := g.flying[name]; ok {
		delete(g.flying, name)
		g.world.processes[uid].acked++
		g.touch(name)
	}
}

// touch writes that a session is needed, and makes the session if there is none.
func (g *gateway) touch(name string) {
	w, s := g.world, g.world.session(name)
	g.touched[name] = w.now()
	if s == nil {
		w.create(name, map[string]string{v1alpha1.AnnotationWantedSince: w.now().UTC().Format(metav1.RFC3339Micro)})
		return
	}
	next := s.DeepCopy()
	next.Status.Activity = &v1alpha1.Activity{Time: metav1.NewMicroTime(w.now().Truncate(time.Microsecond)), Source: v1alpha1.SourceRequest, By: g.name}
	if a := s.Status.Activity; a != nil && !a.Time.Before(&next.Status.Activity.Time) {
		next.Status.Activity.Time = metav1.NewMicroTime(a.Time.Add(time.Microsecond))
	}
	w.note("%s touches %s", g.name, name)
	w.must(w.api.Status().Patch(context.Background(), next, client.MergeFrom(s)))
}

// move hears one change of a Session, or says how far it has seen.
func (g *gateway) move() bool {
	switch {
	case g.dead:
		return false
	case g.hear():
		return true
	case g.version > g.written:
		g.say()
		return true
	}
	for name := range g.waiting {
		if g.world.now().Sub(g.touched[name]) >= pace {
			g.touch(name)
			return true
		}
	}
	return false
}

func (g *gateway) due() (next time.Time) {
	for name := range g.waiting {
		if at := g.touched[name].Add(pace); !g.dead && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	return next
}

func (g *gateway) hear() bool {
	log := g.world.log()
	for g.heard < len(log) {
		c := log[g.heard]
		g.heard++
		if c.id.kind != "Session" {
			continue
		}
		s, _ := c.now.(*v1alpha1.Session)
		g.see(c.id.key.Name, s)
		g.version = max(g.version, c.version)
		return true
	}
	return false
}

// see acts on a version of a session.
func (g *gateway) see(name string, s *v1alpha1.Session) {
	delete(g.routes, name)
	switch {
	case s == nil || s.DeletionTimestamp != nil && s.Status.Endpoint == nil:
		delete(g.waiting, name) // 410, or 404
		delete(g.flying, name)
	case s.Status.Endpoint != nil:
		g.routes[name] = s.Status.Endpoint.UID
		g.forward(name)
	default:
		g.unpublished(name, s)
	}
}

// unpublished acts on a version of a session that is not to be sent anything.
func (g *gateway) unpublished(name string, s *v1alpha1.Session) {
	drain := s.Status.Drain
	if drain != nil && drain.Forced {
		delete(g.flying, name) // its deadline; the script has none that takes longer
	}
	told := s.Status.Phase == v1alpha1.PhaseFailed || s.Status.Phase == v1alpha1.PhaseCompleted || s.Spec.Suspend ||
		s.Status.Phase == v1alpha1.PhaseQueued && s.ReadyReason() == v1alpha1.ReasonLimitReached
	if told {
		delete(g.waiting, name)
	}
	if (g.waiting[name] || g.flying[name] != "") && !s.Touched() {
		g.touch(name)
	}
}

// say moves the watermark of its Lease.
func (g *gateway) say() {
	lease := &coordinationv1.Lease{}
	w := g.world
	w.must(w.api.Get(context.Background(), client.ObjectKey{Namespace: w.namespace, Name: g.name}, lease))
	lease.Annotations[v1alpha1.AnnotationWatermark] = strconv.FormatInt(g.version, 10)
	w.must(w.api.Update(context.Background(), lease))
	g.written = g.version
}

// dies ends the gateway's process and its pod; its Lease stays.
func (g *gateway) dies() {
	g.dead = true
	g.routes, g.waiting, g.flying = map[string]types.UID{}, map[string]bool{}, map[string]types.UID{}
	err := g.world.api.Delete(context.Background(), gatewayPod(g.world.namespace, g.name), client.GracePeriodSeconds(0))
	if !apierrors.IsNotFound(err) {
		g.world.must(err)
	}
}
