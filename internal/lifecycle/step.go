package lifecycle

import "time"

// Verb is what to do. Each is at most one write of status followed by at most one change of the world.
type Verb string

// The verbs.
const (
	Wait      Verb = "Wait"      // nothing, but say so if phase or reason changed
	Protect   Verb = "Protect"   // put our finalizer on the Session
	Create    Verb = "Create"    // make the pod with epoch + 1
	Publish   Verb = "Publish"   // let gateways send requests to the pod
	Unpublish Verb = "Unpublish" // tell gateways to send nothing more, and remember on which activity that was decided
	Save      Verb = "Save"      // call the save hook, without waiting for it
	Flush     Verb = "Flush"     // the same, of a session that goes on serving
	Stop      Verb = "Stop"      // commit Stopping, then delete the pod
	Delete    Verb = "Delete"    // delete the pod
	Record    Verb = "Record"    // write how the pod ended
	Fail      Verb = "Fail"      // write why it does not start, then delete the pod if there is one
	Settle    Verb = "Settle"    // count the demand so far as spent
	Release   Verb = "Release"   // take our finalizer off the pod and finish its deletion
	Forget    Verb = "Forget"    // take our finalizer off the Session
	Start     Verb = "Start"     // make the sessions that follow from this one, or its last, as far as they are due
	Follow    Verb = "Follow"    // write how far they are
	Clear     Verb = "Clear"     // delete the last sessions of this one
	Shrink    Verb = "Shrink"    // take resources from the pod, in place
	Grow      Verb = "Grow"      // give them back
	Expire    Verb = "Expire"    // delete the Session
)

// Reason is one word for a person, in the words of the API.
type Reason string

// The reasons.
const (
	ReasonServing            Reason = "Serving"
	ReasonAsleep             Reason = "Asleep"
	ReasonQueued             Reason = "Queued"
	ReasonQueueTimeout       Reason = "QueueTimeout"
	ReasonLimitReached       Reason = "LimitReached"
	ReasonBeyondLimit        Reason = "BeyondLimit"
	ReasonWaking             Reason = "Waking"
	ReasonImagePullBackOff   Reason = "ImagePullBackOff"
	ReasonUnschedulable      Reason = "Unschedulable"
	ReasonDraining           Reason = "Draining"
	ReasonWaitingForGateways Reason = "WaitingForGateways"
	ReasonSaveFailed         Reason = "SaveFailed"
	ReasonStopping           Reason = "Stopping"
	ReasonPodNotEnded        Reason = "PodNotEnded"
	ReasonStartFailed        Reason = "StartFailed"
	ReasonStartTimeout       Reason = "StartTimeout"
	ReasonPodRejected        Reason = "PodRejected"
	ReasonTemplateNotFound   Reason = "TemplateNotFound"
	ReasonNameMismatch       Reason = "NameMismatch"
	ReasonPodNameTaken       Reason = "PodNameTaken"
	ReasonHibernated         Reason = "Hibernated"
	ReasonSuspended          Reason = "Suspended"
	ReasonCompleted          Reason = "Completed"
	ReasonGaveUp             Reason = "GaveUp"
	ReasonStartingOthers     Reason = "StartingOthers"
	ReasonStartedFailed      Reason = "StartedFailed"
	ReasonEndedTooOften      Reason = "EndedTooOften"
	ReasonRestartsLater      Reason = "RestartsLater"
	ReasonVolumeTaken        Reason = "VolumeTaken"
	ReasonVolumeLost         Reason = "VolumeLost"
	ReasonDestroying         Reason = "Destroying"
	ReasonSessionNameTaken   Reason = "SessionNameTaken"
	ReasonSessionRejected    Reason = "SessionRejected"
)

// Step is the answer of Next.
type Step struct {
	Verb   Verb
	Phase  Phase  // to report
	Reason Reason // to report
	Limit  string // to report: the one that leaves no room
	Awaits Await  // to report: what it waits for
	Kept   Kept   // to report: why it is not put to sleep

	Forced   bool      // of an Unpublish: no demand takes it back
	Deadline time.Time // of a forced Unpublish
	Settle   bool      // of a Record or Fail: the demand so far is spent, only a new touch wakes the session
	Failures int       // of a Record or Fail: abnormal ends that count, this one included
	Since    time.Time // of a Record or Fail: the first of them
	RetryAt  time.Time // of a Record or Fail: no start before this; zero: at once
	Outcome  int       // of a Record: the number of the template's outcome that says what starts now; zero: none

	// Recheck is how long from now the answer stays the same if nothing else changes. Zero: for ever.
	Recheck time.Duration
}

// hold waits and leaves what is reported as it is.
func (o *Observation) hold() Step {
	return Step{Verb: Wait, Phase: o.Session.Phase, Reason: o.Session.Reason, Limit: o.Session.Limit}
}

// until sets Recheck to a moment that lies ahead.
func (s Step) until(now, at time.Time) Step {
	if d := at.Sub(now); d > 0 && (s.Recheck == 0 || d < s.Recheck) {
		s.Recheck = d
	}
	return s
}
