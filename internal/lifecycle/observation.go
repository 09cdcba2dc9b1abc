package lifecycle

import "time"

// Phase is where a session stands, as people and gateways are told. Empty: nobody has wanted it yet.
type Phase string

// The phases, in the words of the API.
const (
	Asleep   Phase = "Asleep"
	Queued   Phase = "Queued"
	Waking   Phase = "Waking"
	Awake    Phase = "Awake"
	Draining Phase = "Draining"
	Stopping Phase = "Stopping"
	// Hibernated is Awake, with few resources.
	Hibernated Phase = "Hibernated"
	// Completed is never woken again. So is Failed, if its reason is ReasonGaveUp.
	Completed Phase = "Completed"
	Failed    Phase = "Failed"
)

// Observation is all that a decision may depend on. Every time in it is of the operator's own clock, save Deadline.
type Observation struct {
	Now      time.Time
	Session  Session
	Template Template
	Pod      *Pod      // nil: there is none of that name
	Sight    bool      // every gateway has acted on the unpublish, or its process is gone
	Save     SaveState // of this drain; of one that serves, of this time that nobody needs it
	Slot     bool      // the limits leave room for this session, or it has its place already
	Full     Full      // if not Slot
	Evict    bool      // another session waits for a place, and of those that could give theirs this one has been idle longest
	Beyond   string    // the limit on the number of sessions that it is beyond, by its name; empty: none
	Refused  Reason    // why the API server refused the last create, if it did
}

// Session is what is observed of the Session object.
type Session struct {
	Phase     Phase     // as reported last
	Reason    Reason    // as reported last
	Limit     string    // as reported last
	Deleting  bool      // somebody deleted it
	LetGoAt   time.Time // if Deleting: it is not let go of before, so that one made again is younger by a second; zero: at once
	Protected bool      // it has our finalizer
	Misnamed  bool      // its name is not the one that template and key give
	Suspended bool      // it is to sleep, whoever wants it
	Made      bool      // a request made it, and nobody else has written its spec
	Follows   bool      // it follows from another, and nobody else has wanted it

	Epoch     int64  // of the latest pod that was published or has ended
	Published bool   // gateways may send requests to PodUID
	PodUID    string // of the pod that was published last, until its end is recorded

	Drained  bool      // unpublished; stays until the next publication
	Forced   bool      // no demand takes this drain back
	Deadline time.Time // of a forced drain
	Touched  bool      // there is demand, other than that which the drain was decided on

	ActiveSince    time.Time // when the activity was first seen
	PublishedSince time.Time // when the publication was first seen
	DrainedSince   time.Time // when the drain was first seen
	AwakeSince     time.Time // when its pod was published first, as reported; zero: it has none
	RestSince      time.Time // when its last pod ended, or when it was made

	IdleAfter *time.Duration // what the workload said, in the place of the template's; nil: nothing
	BusyUntil time.Time      // the workload said that it stays awake until then

	Failures     int       // abnormal ends within the time in which they count
	FailingSince time.Time // the first of them
	RetryAt      time.Time // no start before this

	Outdated bool // its pod is of an older template, and it is its turn to get the next one

	Starts Starts // the sessions that follow from it
}

// Template is what is observed of the SessionTemplate.
type Template struct {
	Found       bool
	IdleAfter   time.Duration
	WakeTimeout time.Duration
	Task        bool // up from its creation to its own end
	Restart     Restart
	Outcomes    []Outcome
	Lifetime    Lifetime

	HibernateAfter time.Duration // how long nobody may need it until it is small; zero: it never is
	SaveAfter      time.Duration // how long nobody may need it until it is saved, and goes on; zero: it never is
}

// Pod is what is observed of the pod that has the session's name.
type Pod struct {
	UID       string
	Epoch     int64
	Mine      bool          // owned by this very Session, by UID
	Since     time.Time     // when it was first seen
	Address   bool          // it can be dialled
	Small     bool          // it asks for the resources of a hibernated one
	Stuck     bool          // its node cannot give it what it asks for, or not now
	Saves     bool          // it has a save hook
	SaveTime  time.Duration // of one attempt to save
	Trouble   Trouble       // why it does not start
	Deleting  bool          // asked to stop
	OverdueAt time.Time     // if Deleting: when it should have ended at the latest
	Ended     bool          // no process of it can be running; phase alone proves nothing
	Exit      Exit          // if Ended
	Code      int32         // if Ended and Coded: the exit code
	Coded     bool          // the exit code is known
	Why       string        // if Ended: the reason in one word
	EndedAt   time.Time     // if Ended: when that was first seen
	Finished  bool          // the kubelet is done with it: without our finalizer it would be gone
}

// Trouble is why a pod does not start.
type Trouble struct {
	Reason Reason // empty: none is known
	Fatal  bool   // waiting longer will not help
}

// Exit is how a pod ended.
type Exit int

// The kinds of end.
const (
	ExitNormal      Exit = iota // by itself, with code 0
	ExitAbnormal                // by itself, with another code, or out of memory
	ExitKilled                  // by a signal from outside
	ExitInterrupted             // Kubernetes took it: eviction, preemption, node loss, somebody's delete
)

// SaveState is how far the save hook is for the present drain.
type SaveState struct {
	Running bool
	Done    bool
	Failed  bool      // the last attempt did
	RetryAt time.Time // if Failed
}

// current says whether the pod is the session's pod of now: the one published last, or the one to be published next. Any
// other of that name is a leftover: of an older epoch, of a late former leader, of a Session that was deleted and made again.
func (o *Observation) current() bool {
	if o.Pod == nil || !o.Pod.Mine {
		return false
	}
	if o.Session.PodUID != "" {
		return o.Pod.UID == o.Session.PodUID
	}
	return o.Pod.Epoch == o.Session.Epoch+1
}

// wasPublished says whether requests may have reached the pod.
func (o *Observation) wasPublished() bool { return o.Session.Published || o.Session.PodUID != "" }

// wanted says whether somebody needs the session. While it is published the idle time decides; once it is unpublished
// no clock is asked, for gateways and operator must come to the same answer.
func (o *Observation) wanted() bool {
	switch {
	case o.Session.Deleting, o.Session.Suspended, o.over():
		return false
	case o.keptUp():
		return true
	case o.Session.Published:
		return o.Now.Before(o.idleAt())
	}
	return o.Session.Touched
}

// idleAt is when a published session that is not touched any more falls asleep.
func (o *Observation) idleAt() time.Time { return o.idleFor(o.idleAfter()) }

// idleFor is when a published session that is not touched any more has been idle for so long, and is not busy.
func (o *Observation) idleFor(d time.Duration) time.Time {
	return later(later(o.Session.ActiveSince, o.Session.PublishedSince).Add(d), o.Session.BusyUntil)
}

// idleAfter is what the workload said, else the template.
func (o *Observation) idleAfter() time.Duration {
	if said := o.Session.IdleAfter; said != nil {
		return *said
	}
	return o.Template.IdleAfter
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
