package crash

import (
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// laws are the invariants of the design that an operator can break. They are looked at with each of its writes.
type laws struct {
	world     *world
	looked    int // of the log
	published map[types.UID]map[int64]types.UID
	epochs    map[types.UID]int64
	pods      map[types.UID]*corev1.Pod // all that ever were
	broken    []string
}

func (l *laws) breaks(format string, args ...any) {
	words := fmt.Sprintf(format, args...)
	l.world.note("LAW %s", words)
	l.broken = append(l.broken, words)
}

// after looks at all that was written since it looked last.
func (l *laws) after() {
	log := l.world.log()
	for ; l.looked < len(log); l.looked++ {
		switch o := log[l.looked].now.(type) {
		case *corev1.Pod:
			l.pods[o.UID] = o
		case *v1alpha1.Session:
			l.publication(o)
		}
	}
}

// publication is I3: no two published pods of a Session carry the same epoch, and epochs only grow.
func (l *laws) publication(s *v1alpha1.Session) {
	if s.Status.Epoch < l.epochs[s.UID] {
		l.breaks("I3: the epoch of %s falls from %d to %d", s.Name, l.epochs[s.UID], s.Status.Epoch)
	}
	before := l.epochs[s.UID]
	l.epochs[s.UID] = s.Status.Epoch
	if s.Status.Endpoint == nil {
		return
	}
	uid, epoch := s.Status.Endpoint.UID, s.Status.Epoch
	if l.published[s.UID] == nil {
		l.published[s.UID] = map[int64]types.UID{}
	}
	known, again := l.published[s.UID][epoch]
	l.published[s.UID][epoch] = uid
	pod := l.pods[uid]
	switch {
	case again && known != uid:
		l.breaks("I3: epoch %d of %s is published for %s and for %s", epoch, s.Name, known, uid)
	case !again && epoch <= before:
		l.breaks("I3: %s publishes epoch %d after epoch %d", s.Name, epoch, before)
	case pod == nil:
		l.breaks("I3: %s publishes %s, which never was", s.Name, uid)
	default:
		if own, _ := podspec.Epoch(pod); own != epoch || len(pod.OwnerReferences) == 0 || pod.OwnerReferences[0].UID != s.UID {
			l.breaks("I3: %s publishes epoch %d, and its pod has epoch %d of %v", s.Name, epoch, own, pod.OwnerReferences)
		}
	}
}

// beforeDelete is I2 and I5: what runs is not forced away, and what serves is stopped only when every gateway has passed, and saved.
func (l *laws) beforeDelete(o client.Object, opts []client.DeleteOption) {
	w := l.world
	w.refresh()
	l.after()
	options := client.DeleteOptions{}
	options.ApplyOptions(opts)
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	now, p := w.pod(pod.Name), w.processes[pod.UID]
	if now == nil || options.Preconditions == nil || now.UID != *options.Preconditions.UID {
		if options.Preconditions == nil {
			l.breaks("a pod is deleted by name")
		}
		return
	}
	if p == nil || !p.runs {
		return
	}
	if options.GracePeriodSeconds != nil {
		l.breaks("I2: %s is forced away while it runs", p.uid)
	}
	if now.DeletionTimestamp == nil {
		l.stop(p)
	}
}

func (l *laws) stop(p *process) {
	w := l.world
	if s := w.session(p.key.Name); s != nil && s.Status.Endpoint != nil && s.Status.Endpoint.UID == p.uid {
		l.breaks("%s is stopped while it is published", p.uid)
	}
	for _, g := range w.gateways {
		if !g.dead && g.routes[p.key.Name] == p.uid {
			l.breaks("%s is stopped before %s has passed", p.uid, g.name)
		}
		if !g.dead && g.flying[p.key.Name] == p.uid {
			l.breaks("%s is stopped while it has a request of %s", p.uid, g.name)
		}
	}
	l.flown(p)
	if p.saves && p.saved < p.acked && !l.givenUp(p) {
		l.breaks("I5: %s is stopped with %d requests of %d saved", p.uid, p.saved, p.acked)
	}
}

// givenUp says whether the session was deleted so long ago that its state may be lost: a save would have ended after the deadline of
// its drain. It is the design that says so.
func (l *laws) givenUp(p *process) bool {
	const saveTimeout = 10 * time.Second
	s := l.world.session(p.key.Name)
	return s != nil && s.DeletionTimestamp != nil && s.Status.Drain != nil && s.Status.Drain.Forced &&
		!l.world.now().Before(s.Status.Drain.Deadline.Add(saveTimeout))
}

// beforePatch is I2: a name is freed only when nothing runs under it.
func (l *laws) beforePatch(o client.Object) {
	w := l.world
	switch o := o.(type) {
	case *corev1.Pod:
		if p := w.processes[o.UID]; p != nil && p.runs && !slices.Contains(o.Finalizers, v1alpha1.Finalizer) {
			l.breaks("I2: %s is released while it runs", o.UID)
		}
	case *v1alpha1.Session:
		if pod := w.pod(o.Name); pod != nil && !slices.Contains(o.Finalizers, v1alpha1.Finalizer) && pod.OwnerReferences[0].UID == o.UID && o.DeletionTimestamp != nil {
			l.breaks("I6: %s is let go before its pod", o.Name)
		}
	}
}

// final is I6: what is left when nothing moves any more.
func (l *laws) final() {
	w := l.world
	l.after()
	for _, p := range w.processes {
		if s := w.session(p.key.Name); p.runs && (s == nil || s.Status.Pod == nil || s.Status.Pod.UID != p.uid) {
			l.breaks("I6: %s runs, and nobody knows", p.uid)
		}
	}
	for _, g := range w.gateways {
		for name := range g.waiting {
			l.breaks("I6: a request for %s waits for ever", name)
		}
	}
	l.left()
	owners := map[types.UID]bool{}
	for _, s := range w.sessions() {
		owners[s.UID] = true
		if s.DeletionTimestamp != nil {
			l.breaks("I6: %s is deleted for ever", s.Name)
		}
	}
	for _, o := range w.owned() {
		if refs := o.GetOwnerReferences(); len(refs) > 0 && !owners[refs[0].UID] || o.GetDeletionTimestamp() != nil {
			l.breaks("I6: %s %s is left", idOf(o).kind, o.GetName())
		}
	}
}

// rest is I6 too: no session stands for ever where it should only pass.
func (l *laws) rest() {
	for _, s := range l.world.sessions() {
		switch s.Status.Phase {
		case v1alpha1.PhaseQueued, v1alpha1.PhaseWaking, v1alpha1.PhaseDraining, v1alpha1.PhaseStopping, v1alpha1.PhaseAwake, v1alpha1.PhaseHibernated:
			l.breaks("I6: %s is %s for ever (%s)", s.Name, s.Status.Phase, s.ReadyReason())
		}
	}
}

// outcome is how the world is in the end, but for epochs, which a fault may cost one of.
func (w *world) outcome() string {
	var words []string
	for _, s := range w.sessions() {
		pod := w.pod(s.Name)
		words = append(words, fmt.Sprintf("%s %s/%s served=%t pod=%t failing=%t suspended=%t", s.Name, s.Status.Phase, s.ReadyReason(),
			s.Status.Endpoint != nil, pod != nil, s.Status.Failures != nil, s.Spec.Suspend))
		for _, o := range s.Status.Started {
			words = append(words, fmt.Sprintf("  then %s %s", o.Name, o.State))
		}
	}
	for _, o := range w.owned() {
		if claim, ok := o.(*corev1.PersistentVolumeClaim); ok {
			words = append(words, "claim "+claim.Name)
		}
	}
	if len(w.replicas) > 0 {
		words = append(words, w.answers()...)
	}
	slices.Sort(words)
	return strings.Join(words, "\n")
}
