// Package directory is the memory of a gateway: which session is reachable where, who is in flight there, and who waits.
//
// It knows nothing of Kubernetes: a View is put in for each version of a Session that the gateway sees, and requests
// take Visits out. It holds an entry only for a session that is in the gateway's sight or has somebody in flight or
// waiting, so a sleeping session costs nothing here.
package directory

import (
	"hash/maphash"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// ID names a Session.
type ID struct{ Namespace, Name string }

// State is what a version of a Session means to a gateway.
type State int

const (
	// Absent is a session that is out of the gateway's sight (asleep or deleted) as of this version. Nothing else of such
	// a View is known, but in the answer of a touch its Activity: it was asleep, and is wanted now.
	Absent State = iota
	// Unreachable is a session that no request may be sent to, for now: queued, waking, draining or stopping.
	Unreachable
	// Reachable is a session whose Pod takes requests.
	Reachable
	// Failed is a session that will not start before its RetryAt, or was just refused for a limit.
	Failed
)

// Pod is where a session is served.
type Pod struct {
	UID     string
	Address string // IP
	Port    int
	H2C     bool // it speaks HTTP/2 without TLS; else HTTP/1.1
}

// Failure is why a session does not start.
type Failure struct {
	Reason  string      // one word, such as ImagePullBackOff
	Message string      // for a person: exit code and last words
	RetryAt time.Time   // when a request may wake it again
	Limit   string      // the limit that it was refused for; then RetryAt says nothing, and the refusal stands until there is news
	Final   RefusalKind // what a request is told for as long as that is so, which no time ends; zero: RetryAt ends it
}

// Over is whether the failure lies behind: a request may wake the session again.
func (f Failure) Over(now time.Time) bool {
	return f.Final == 0 && f.Limit == "" && !f.RetryAt.After(now)
}

// View is what one version of a Session says to a gateway.
type View struct {
	Version  uint64 // resourceVersion
	UID      string // of the Session
	Owner    string // of the Session; empty: nobody's
	State    State
	Epoch    int64
	Pod      Pod       // only if Reachable
	Failure  Failure   // only if Failed, or final: no request wakes the session
	Queued   string    // the limit that it waits for
	Delay    Delay     // only if Unreachable
	Unwanted bool      // unpublished, and its activity is the one that the unpublish was decided on
	Forced   bool      // in a drain that no touch takes back
	Deadline time.Time // of a forced drain
	Gone     bool      // being deleted: whoever comes now is refused
	Activity time.Time // of the latest touch by any gateway; to tell it from others, never to be compared with a clock
	Word     Word      // of the workload, by that touch

	IdleAfter time.Duration // how long nobody may need the session until it falls asleep; zero: not known
	Counts    bool          // whether an open upgraded connection keeps it awake, as a request does

	CountsBytes bool // whether what goes by on one that does not, keeps it awake
	Listed      bool // from a list, not an event: how long ago the session was touched is not known

	lost bool // a touch found nothing: news, though not a version
}

// samePod is whether both are reachable at one pod.
func (v *View) samePod(other *View) bool {
	return v.State == Reachable && other.State == Reachable && v.Pod.UID == other.Pod.UID
}

// unpublished is whether a sleep may be decided on this version.
func (v *View) unpublished() bool {
	return v.State == Unreachable && (v.Unwanted || v.Forced)
}

// takesBack is whether a touch takes back the sleep that may be decided on this version.
func (v *View) takesBack() bool {
	return v.State == Unreachable && v.Unwanted && !v.Forced && !v.Gone
}

// Wish is what a request wants awake.
type Wish struct {
	ID            ID
	Template, Key string
	Create        bool          // make the Session if there is none
	IdleAfter     time.Duration // of the template: sets the pace of touches until a View says it

	// Of a Session that is made:
	New    bool       // there was none a moment ago: if there is one by now, it is not touched
	Owner  string     // whose it becomes; empty: nobody's
	Tenant string     // on whose account; empty: nobody's
	Client netip.Addr // of one of whom nothing else is known
}

// Need is a touch that is due.
type Need struct {
	ID         ID
	Connection bool // only open connections hold the session
}

// Directory is the memory of one gateway. It is ready to use once Now is set; the fields must not change after that.
type Directory struct {
	// Now is the clock.
	Now func() time.Time
	// Touch is told which session needs a touch. What became of it goes to Touched, Lost or Missed; until then, the
	// session is not asked for again. It is called with a lock held: it must not block, nor call the Directory.
	Touch func(Need)
	// Settled is told that one that was unsettled is not any more. It is called with a lock held, as Touch is.
	Settled func()
	// Ended is told the UID of a pod that was published and has ended. It is called with a lock held: it may call Address,
	// and nothing else of the Directory.
	Ended func(podUID string)
	// Reached is told of a session that requests may be sent to from now on; nil: nobody is. It is called with a lock held: it must
	// not block, nor call the Directory.
	Reached func(ID)

	stale  atomic.Bool
	shards [shards]shard
	pods   addresses
	sight  sight
	strays atomic.Bool // there may be versions ahead of the watch in a shard
}

// shards bounds how many requests wait for one lock. A power of two, of the order of the processors of a large machine.
const shards = 64

// shard holds the entries of some sessions, and is the lock of them all.
type shard struct {
	mu      sync.Mutex
	entries map[ID]*entry
	floor   uint64 // the highest version of a session that is Absent: what is older is not news of one without an entry
	// ahead are such versions that the watch has not come to, since a touch was answered with them: what is older may still be news of others.
	ahead map[ID]uint64
}

var seed = maphash.MakeSeed()

func (d *Directory) shard(id ID) *shard {
	return &d.shards[maphash.Comparable(seed, id)%shards]
}

// Enter admits a request to a session that is reachable: the look-up and the count are one step, so that whoever sees
// the session unpublished later sees this request too.
func (d *Directory) Enter(id ID) (*Visit, bool) {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil || e.view.State != Reachable || e.view.Gone {
		return nil, false
	}
	e.requests++
	e.rouse()
	if e.rested {
		d.ask(e)
	}
	return &Visit{d: d, e: e, view: e.view, term: e.term}, true
}

// Address is where a pod is dialled: only while it is published, and while the gateway's view is not stale.
func (d *Directory) Address(podUID string) (Pod, bool) {
	if d.stale.Load() {
		return Pod{}, false
	}
	return d.pods.get(podUID)
}

// SetStale says whether the gateway's view is too old to dial by. Visits go on over the connections they have.
func (d *Directory) SetStale(stale bool) { d.stale.Store(stale) }

// Stale is what SetStale said last.
func (d *Directory) Stale() bool { return d.stale.Load() }

// Last is the UID of a Session and its latest activity, as far as they are known.
func (d *Directory) Last(id ID) (uid string, activity time.Time) {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.entries[id]; e != nil {
		return e.uid, e.activity
	}
	return "", time.Time{}
}

// Look is the UID of a Session and its owner, if it is in sight or was touched lately.
func (d *Directory) Look(id ID) (uid, owner string, known bool) {
	s := d.shard(id)
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[id]
	if e == nil || e.view.UID == "" {
		return "", "", false
	}
	return e.view.UID, e.view.Owner, true
}

// Len is the number of sessions that the directory holds something for.
func (d *Directory) Len() int {
	n := 0
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		n += len(s.entries)
		s.mu.Unlock()
	}
	return n
}

// IDs are the sessions that the directory holds something for.
func (d *Directory) IDs() []ID {
	var ids []ID
	for i := range d.shards {
		s := &d.shards[i]
		s.mu.Lock()
		for id := range s.entries {
			ids = append(ids, id)
		}
		s.mu.Unlock()
	}
	return ids
}
