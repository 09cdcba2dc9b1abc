package session

import (
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

// memory is when this operator, by its own clock, first saw what is so now. No duration in the lifecycle compares two clocks,
// so nothing here comes from a timestamp that somebody else wrote, but for one: see activeSince.
type memory struct {
	activity, publication, drain, pod, deletion, end sighting
	youth                                            sighting // of a Session that was deleted in the second that it was made in
	refused                                          *refusal
	stopped                                          types.UID // the pod that was asked to stop
	full, small                                      types.UID // the pod that the API server does not let us shrink, or grow
	unpublished                                      string    // the version in which the drain was first seen
	barred                                           bool      // the namespace goes, and takes no new objects

	uid types.UID
}

// sighting is a fact and when it was first seen.
type sighting struct {
	fact  string
	since time.Time
}

// refusal is why the API server refused the last create, in its own words.
type refusal struct {
	reason  lifecycle.Reason
	message string
}

// see keeps the time of a fact that is known, and takes the given one for another fact, of which it tells. An empty fact is none.
func (s *sighting) see(fact string, now time.Time) (news bool) {
	switch {
	case fact == s.fact:
		return false
	case fact == "":
		*s = sighting{}
	default:
		*s = sighting{fact, now}
	}
	return true
}

// memories of the sessions that have a pod or a demand that differs from what they sleep on; the rest costs nothing.
type memories struct {
	mu   sync.Mutex
	byID map[types.NamespacedName]*memory
}

// of brings the memory of a session up to date. A session is reconciled by one worker at a time, so that its memory needs no
// lock of its own.
func (m *memories) of(w *world) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	name := client.ObjectKeyFromObject(w.session)
	known := m.byID[name]
	if asleep(w) {
		delete(m.byID, name)
		return &memory{}
	}
	if known == nil || known.uid != w.session.UID {
		known = &memory{uid: w.session.UID}
		known.begin(w)
		if m.byID == nil {
			m.byID = map[types.NamespacedName]*memory{}
		}
		m.byID[name] = known
	}
	known.update(w)
	return known
}

func (m *memories) forget(name types.NamespacedName) (uid types.UID, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	known := m.byID[name]
	if known == nil {
		return "", false
	}
	delete(m.byID, name)
	return known.uid, true
}

func asleep(w *world) bool {
	s := w.session
	wanted := s.Touched() || s.Status.Phase == v1alpha1.PhaseQueued || keptUp(w.template) && s.Status.Phase != v1alpha1.PhaseCompleted
	return w.pod == nil && s.Status.Endpoint == nil && s.DeletionTimestamp == nil && !wanted
}

// keptUp says whether the sessions of a template are up without demand.
func keptUp(t *v1alpha1.SessionTemplate) bool {
	return observeTemplate(t, nil).KeptUp()
}

// begin is what a new leader takes for when the present demand came: the time that its writer gave it, or now if that lies
// ahead. The publication before it is left out.
func (m *memory) begin(w *world) {
	if a := w.session.Demand(); a != nil {
		since := a.Time.Time
		if since.After(w.now) {
			since = w.now
		}
		m.activity = sighting{activityFact(a), since}
	}
	m.publication.fact = publicationFact(w.session)
}

func (m *memory) update(w *world) {
	m.activity.see(activityFact(w.session.Demand()), w.now)
	m.publication.see(publicationFact(w.session), w.now)
	if m.drain.see(drainOf(w.session), w.now) {
		m.unpublished = w.session.ResourceVersion
	}
	pod, deletion, end := podFacts(w)
	m.pod.see(pod, w.now)
	m.deletion.see(deletion, w.now)
	m.end.see(end, w.now)
	m.youth.see(youthFact(w.session), w.now)
}

// youthFact is of a Session that was deleted in the second that it was made in, both by the API server's clock.
func youthFact(s *v1alpha1.Session) string {
	if s.DeletionTimestamp == nil || s.DeletionTimestamp.Unix() > s.CreationTimestamp.Unix() {
		return ""
	}
	return string(s.UID)
}

// letGoAt is when one that was made again would be younger by a second, which is what the fence of its pods counts in.
func (m *memory) letGoAt() time.Time {
	if m.youth.fact == "" {
		return time.Time{}
	}
	return m.youth.since.Add(time.Second)
}

func activityFact(a *v1alpha1.Activity) string {
	if a == nil {
		return ""
	}
	return fmt.Sprintf("%d %s %s", a.Time.UnixMicro(), a.Source, a.By) + wordFact(a)
}

func publicationFact(s *v1alpha1.Session) string {
	if s.Status.Endpoint == nil {
		return ""
	}
	return string(s.Status.Endpoint.UID)
}

// drainOf names the drain that a session is in. The activity that a drain was decided on is never decided on again: it is
// taken back only by another.
func drainOf(s *v1alpha1.Session) string {
	if s.Status.Drain == nil {
		return ""
	}
	return fmt.Sprintf("epoch %d, active %s", s.Status.Epoch, activityFact(s.Status.Drain.Activity))
}

// occasionOf names what a session would be saved for now: the drain that it is in, or, while it serves, the time since it was needed
// last. What was saved for one counts for no other.
func occasionOf(s *v1alpha1.Session) string {
	if s.Status.Endpoint == nil {
		return drainOf(s)
	}
	return fmt.Sprintf("epoch %d, serving since %s", s.Status.Epoch, activityFact(s.Demand()))
}

func podFacts(w *world) (pod, deletion, end string) {
	if w.pod == nil {
		return "", "", ""
	}
	uid := string(w.pod.UID)
	if w.pod.DeletionTimestamp != nil {
		deletion = uid
	}
	if hasEnded(w.pod, w.nodeGone) {
		end = uid
	}
	return uid, deletion, end
}

// overdue is when a pod that is being deleted should have ended at the latest: its grace, and as much again as a kubelet under
// load needs to say so.
func (m *memory) overdue(pod *corev1.Pod) time.Time {
	const slack = 15 * time.Second
	grace := slack
	if g := pod.DeletionGracePeriodSeconds; g != nil {
		grace += time.Duration(*g) * time.Second
	}
	return m.deletion.since.Add(grace)
}
