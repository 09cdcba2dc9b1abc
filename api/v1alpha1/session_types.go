package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// SessionSpec names a session. It grants nothing: the pod is the template's.
// +kubebuilder:validation:XValidation:rule="self.template == oldSelf.template",message="template is immutable"
// +kubebuilder:validation:XValidation:rule="self.key == oldSelf.key",message="key is immutable"
type SessionSpec struct {
	// template is the name of a SessionTemplate in the same namespace.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=63
	Template string `json:"template"`

	// key is what requests call the session: valid UTF-8 without NUL, 1 to 1,024 bytes.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[^\x00]+$`
	// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 1024",message="must have at most 1024 bytes"
	Key string `json:"key"`
}

// SessionPhase is where a session stands. Empty: nobody has wanted it yet.
// +kubebuilder:validation:Enum=Asleep;Queued;Waking;Awake;Draining;Stopping;Failed
type SessionPhase string

const (
	// PhaseAsleep has no pod and is not wanted.
	PhaseAsleep SessionPhase = "Asleep"
	// PhaseQueued is wanted and waits for a limit.
	PhaseQueued SessionPhase = "Queued"
	// PhaseWaking has a pod that starts, for longer than a wake should take.
	PhaseWaking SessionPhase = "Waking"
	// PhaseAwake is published: gateways send requests to its endpoint.
	PhaseAwake SessionPhase = "Awake"
	// PhaseDraining is unpublished, its pod still runs, and a touch publishes it again.
	PhaseDraining SessionPhase = "Draining"
	// PhaseStopping has a pod that ends; whatever comes waits for the next epoch.
	PhaseStopping SessionPhase = "Stopping"
	// PhaseFailed could not start, and waits until retryAt before it may be woken again.
	PhaseFailed SessionPhase = "Failed"
)

// ActivitySource says who needed a session.
// +kubebuilder:validation:Enum=request;connection;user
type ActivitySource string

const (
	// SourceRequest is a request that waits, or was served.
	SourceRequest ActivitySource = "request"
	// SourceConnection is an open upgraded connection.
	SourceConnection ActivitySource = "connection"
	// SourceUser is a person, by hand.
	SourceUser ActivitySource = "user"
)

// Activity is the demand for a session: a touch. Two activities are the same demand only if all fields are equal.
type Activity struct {
	// time of the touch: max(the writer's clock, last seen time + 1 us), so that each touch is a change.
	Time metav1.MicroTime `json:"time"`
	// source says who needed the session.
	// +optional
	Source ActivitySource `json:"source,omitempty"`
	// by is the instance that wrote it.
	// +kubebuilder:validation:MaxLength=253
	// +optional
	By string `json:"by,omitempty"`
	// idleAfter is what the workload said with Session-Idle-After: in the place of the template's idle.after, from this touch
	// on. 0s, or 1s to 720h. Absent: idle.after holds.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) == duration('0s') || duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be 0s, or 1s to 720h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	IdleAfter *metav1.Duration `json:"idleAfter,omitempty"`
	// busy is what was left, at this touch, of the time for which the workload stays awake whatever its idle time: it said so
	// with Session-Busy. At most 24h. Absent: none.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) <= duration('24h')",message="must be at most 24h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Busy *metav1.Duration `json:"busy,omitempty"`
}

// Drain is the unpublish on which a sleep was decided. It stays from the unpublish until the next publication: in between
// an unforced session is wanted if, and only if, its activity differs from the one here.
type Drain struct {
	// activity that the sleep was decided on. Absent: there was none.
	// +optional
	Activity *Activity `json:"activity,omitempty"`
	// forced says that no demand takes this sleep back: the session is being deleted.
	// +optional
	Forced bool `json:"forced,omitempty"`
	// deadline of a forced drain: requests still in flight then are cut off.
	// +optional
	Deadline *metav1.MicroTime `json:"deadline,omitempty"`
}

// Endpoint is where a session is served. It is present only while requests may be sent there.
type Endpoint struct {
	// uid of the pod. Connections are pooled and dialled by it, never by the address alone.
	UID types.UID `json:"uid"`
	// address of the pod, an IP.
	Address string `json:"address"`
	// port at that address.
	Port int32 `json:"port"`
}

// PodReference is the pod that was published last, until it has ended.
type PodReference struct {
	// name of the pod.
	Name string `json:"name"`
	// uid of the pod.
	UID types.UID `json:"uid"`
	// node that it runs on.
	// +optional
	Node string `json:"node,omitempty"`
}

// Exit is how a pod of the session ended.
type Exit struct {
	// epoch of the pod.
	Epoch int64 `json:"epoch"`
	// reason in one word: Completed, Error, OOMKilled, Evicted, ImagePullBackOff, Unschedulable, StartTimeout, Slept, ...
	Reason string `json:"reason"`
	// code is the exit code of the container that ended the pod, where one is known.
	// +optional
	Code *int32 `json:"code,omitempty"`
	// message is the last words: the last line that the container logged, or what the kubelet or scheduler said. At most 1 KiB.
	// +kubebuilder:validation:MaxLength=1024
	// +optional
	Message string `json:"message,omitempty"`
	// time at which the operator recorded it.
	Time metav1.Time `json:"time"`
}

// Failures counts abnormal ends in a row.
type Failures struct {
	// count of abnormal ends since the last good sleep or the last minute of service.
	Count int32 `json:"count"`
	// retryAt is when the session may be started again.
	// +optional
	RetryAt *metav1.MicroTime `json:"retryAt,omitempty"`
}

// SessionStatus is what is true of a session. The operator writes all of it but activity.
type SessionStatus struct {
	// phase is where the session stands. Empty: nobody has wanted it yet.
	// +optional
	Phase SessionPhase `json:"phase,omitempty"`

	// epoch is the number of the latest pod that was published or has ended. It never falls.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Epoch int64 `json:"epoch,omitempty"`

	// activity is the latest demand, written by whoever needs the session.
	// +optional
	Activity *Activity `json:"activity,omitempty"`

	// drain is the unpublish on which the present sleep was decided.
	// +optional
	Drain *Drain `json:"drain,omitempty"`

	// endpoint is where the session is served, while it is.
	// +optional
	Endpoint *Endpoint `json:"endpoint,omitempty"`

	// pod was published last, and has not ended.
	// +optional
	Pod *PodReference `json:"pod,omitempty"`

	// lastExit is how the last pod ended.
	// +optional
	LastExit *Exit `json:"lastExit,omitempty"`

	// failures in a row, if there are any.
	// +optional
	Failures *Failures `json:"failures,omitempty"`

	// conditions: Ready.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// Session is one key: a pod while somebody needs it, and nothing but this object while nobody does.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=ses,categories=dormouse
// +kubebuilder:selectablefield:JSONPath=`.spec.template`
// +kubebuilder:selectablefield:JSONPath=`.spec.key`
// +kubebuilder:selectablefield:JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Epoch",type=integer,JSONPath=`.status.epoch`
// +kubebuilder:printcolumn:name="Last active",type=date,JSONPath=`.status.activity.time`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Pod",type=string,priority=1,JSONPath=`.status.pod.name`
// +kubebuilder:printcolumn:name="Node",type=string,priority=1,JSONPath=`.status.pod.node`
// +kubebuilder:validation:XValidation:rule="self.spec.key.size() <= 63 && self.spec.key.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$') ? self.metadata.name == self.spec.template + '.' + self.spec.key : self.metadata.name.startsWith(self.spec.template + '.') && self.metadata.name.substring(self.spec.template.size() + 1).matches('^([a-z0-9]([-a-z0-9]{0,30}[a-z0-9])?-)?[0-9a-v]{26}[.]x$')",message="metadata.name must be <template>.<key>, or <template>.<slug>-<hash>.x where the key is no DNS label"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.status) || !has(oldSelf.status.epoch) || (has(self.status) && has(self.status.epoch) && self.status.epoch >= oldSelf.status.epoch)",message="status.epoch never falls"
type Session struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec SessionSpec `json:"spec"`
	// +optional
	Status SessionStatus `json:"status,omitempty"`
}

// SessionList is a list of sessions.
// +kubebuilder:object:root=true
type SessionList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []Session `json:"items"`
}
