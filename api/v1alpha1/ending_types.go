package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// RestartSpec says what follows when a pod ends by itself. Idle, eviction, preemption, and a node or a person that takes the pod away are
// no failures: they count towards nothing.
type RestartSpec struct {
	// policy is Permanent (up without traffic, and again after every end), Transient (again after an abnormal end) or
	// Temporary (never by itself: only a request starts the next pod).
	// +kubebuilder:default=Transient
	// +optional
	Policy RestartPolicy `json:"policy,omitempty"`

	// max is how many abnormal ends within the time of within are followed by a new pod at once. After one more the session is
	// Failed: requests get how it ended, until a back-off of 1 s, doubling up to 5 minutes, lets one try again.
	// +kubebuilder:default=3
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	// +optional
	Max *int32 `json:"max,omitempty"`

	// within is the time in which max counts, 1s to 24h.
	// +kubebuilder:default="5m"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('24h')",message="must be 1s to 24h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Within *metav1.Duration `json:"within,omitempty"`
}

// RestartPolicy says after which ends a session gets a new pod by itself.
// +kubebuilder:validation:Enum=Permanent;Transient;Temporary
type RestartPolicy string

const (
	// RestartPermanent is up without traffic, and again after every end.
	RestartPermanent RestartPolicy = "Permanent"
	// RestartTransient is up again after an abnormal end.
	RestartTransient RestartPolicy = "Transient"
	// RestartTemporary is never up again by itself.
	RestartTemporary RestartPolicy = "Temporary"
)

// Outcome is what follows from how a pod ended by itself. It matches if the exit code or the reason is one of those listed; one
// that lists neither matches every end.
// +kubebuilder:validation:XValidation:rule="(self.then == 'Start') == has(self.start)",message="start: required with then: Start, and with nothing else"
// +kubebuilder:validation:XValidation:rule="!has(self.after) || self.then == 'Restart'",message="after: only with then: Restart"
type Outcome struct {
	// exitCodes that match.
	// +kubebuilder:validation:MaxItems=64
	// +listType=set
	// +optional
	ExitCodes []int32 `json:"exitCodes,omitempty"`

	// reasons that match: those of status.lastExit, such as Completed, Error, OOMKilled, Evicted, Vanished.
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MaxLength=64
	// +listType=set
	// +optional
	Reasons []string `json:"reasons,omitempty"`

	// then is Restart (a new pod, within restart.max), Sleep (until the next request), Complete (the session has done its work
	// and is never woken again), Fail (it is Failed for good) or Start (it is Completed, and other sessions of its key start).
	Then OutcomeAction `json:"then"`

	// after is how long the new pod of a Restart is put off, 1s to 720h: until then the session sleeps. Such an end is no failure, and counts
	// towards nothing. Only with mode Task. Absent: at once.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be 1s to 720h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	After *metav1.Duration `json:"after,omitempty"`

	// start lists the sessions that start, each of another template and of the same key.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=template
	// +optional
	Start []StartSpec `json:"start,omitempty"`
}

// OutcomeAction is what follows from the end of a pod.
// +kubebuilder:validation:Enum=Restart;Sleep;Complete;Fail;Start
type OutcomeAction string

const (
	// OutcomeRestart makes a new pod, within the bounds of restart.
	OutcomeRestart OutcomeAction = "Restart"
	// OutcomeSleep puts the session to sleep until the next request.
	OutcomeSleep OutcomeAction = "Sleep"
	// OutcomeComplete ends the session well, for good.
	OutcomeComplete OutcomeAction = "Complete"
	// OutcomeFail ends the session badly, for good.
	OutcomeFail OutcomeAction = "Fail"
	// OutcomeStart ends the session well, and starts others.
	OutcomeStart OutcomeAction = "Start"
)

// StartSpec is a session that follows another one, or runs before that goes. Its input is a JSON object: startedBy, the name of the session before; lastExit, how
// that one ended; and input, what that one was given, where all of it fits.
type StartSpec struct {
	// template of the session that starts, in the same namespace.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=63
	Template string `json:"template"`

	// after is all: the session starts when all that stand before it in the list are Completed. Absent: at once.
	// +kubebuilder:validation:Enum=all
	// +optional
	After string `json:"after,omitempty"`
}

// OnDeleteSpec says what runs before a session that is deleted goes: its last sessions. They start when its pod has ended, if it ever had
// one. It goes when all of them are Completed, and they are deleted with it. A last session has no last sessions of its own.
type OnDeleteSpec struct {
	// start lists the last sessions, each of another template and of the same key. Each must come to its end by itself: a Task, or
	// one with an outcome that says Complete. The list is always that of the template as it is; without a template, none is run.
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=template
	Start []StartSpec `json:"start"`
}

// RolloutPolicy says when a change of a template takes effect for sessions that are awake.
// +kubebuilder:validation:Enum=Wake;Drain
type RolloutPolicy string

const (
	// RolloutWake is with the next wake.
	RolloutWake RolloutPolicy = "Wake"
	// RolloutDrain is by putting them to sleep, in turn.
	RolloutDrain RolloutPolicy = "Drain"
)

// LifetimeSpec bounds how long a session lasts.
type LifetimeSpec struct {
	// awake is how long a pod serves at most, 1s to 8760h; then the session is put to sleep, and a request wakes the next pod.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('8760h')",message="must be 1s to 8760h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Awake *metav1.Duration `json:"awake,omitempty"`

	// asleep is how long a session sleeps, or is Completed or Failed for good, until it is deleted, 1s to 87600h.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('87600h')",message="must be 1s to 87600h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Asleep *metav1.Duration `json:"asleep,omitempty"`
}

// StartedSession is a session that followed from the end of another, or from its deletion.
type StartedSession struct {
	// name of the Session.
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`
	// template of the Session.
	// +kubebuilder:validation:MaxLength=63
	Template string `json:"template"`
	// after is all if it waits for those before it in the list.
	// +optional
	After string `json:"after,omitempty"`
	// state is Waiting, Started, Completed or Failed.
	State StartedState `json:"state"`
}

// StartedState is how far a session is that followed from the end of another.
// +kubebuilder:validation:Enum=Waiting;Started;Completed;Failed
type StartedState string

const (
	// StartedWaiting is not made yet.
	StartedWaiting StartedState = "Waiting"
	// StartedRuns is made, and has not come to its end.
	StartedRuns StartedState = "Started"
	// StartedCompleted has done its work.
	StartedCompleted StartedState = "Completed"
	// StartedFailed has failed for good, or is gone; of a deletion: or another Session has its name.
	StartedFailed StartedState = "Failed"
)

// Exit is how a pod of the session ended.
type Exit struct {
	// epoch of the pod.
	Epoch int64 `json:"epoch"`
	// reason in one word: Completed, Error, OOMKilled, Evicted, ImagePullBackOff, Unschedulable, StartTimeout, Slept, ...
	Reason string `json:"reason"`
	// code is the exit code of the container that ended the pod, where one is known.
	// +optional
	Code *int32 `json:"code,omitempty"`
	// signal that ended that container, such as 9, where the exit code says so.
	// +optional
	Signal *int32 `json:"signal,omitempty"`
	// message is the last words: the last line that the container logged, or what the kubelet or scheduler said. At most 1 KiB.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`
	// evidence that no process of the pod can be running: Kubelet (it reported the end of every container), NeverBound,
	// NodeLost (its node is gone or out of service) or None (the pod vanished although it had our finalizer).
	// +optional
	Evidence string `json:"evidence,omitempty"`
	// startTime of the container that ended the pod, by its kubelet's clock.
	// +optional
	StartTime *metav1.Time `json:"startTime,omitempty"`
	// endTime of that container, by its kubelet's clock.
	// +optional
	EndTime *metav1.Time `json:"endTime,omitempty"`
	// time at which the operator recorded it.
	Time metav1.Time `json:"time"`
}

// Failures counts abnormal ends in a row.
type Failures struct {
	// count of abnormal ends within restart.within, since the last good sleep.
	Count int32 `json:"count"`
	// since is when the first of them was.
	// +optional
	Since *metav1.MicroTime `json:"since,omitempty"`
	// retryAt is when the session may be started again. With a count of 0 nothing has failed: an outcome has put it off.
	// +optional
	RetryAt *metav1.MicroTime `json:"retryAt,omitempty"`
}
