package v1alpha1

import metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

// SessionSpec names a session. It grants nothing: the pod is the template's.
// +kubebuilder:validation:XValidation:rule="self.template == oldSelf.template",message="template is immutable"
// +kubebuilder:validation:XValidation:rule="self.key == oldSelf.key",message="key is immutable"
// +kubebuilder:validation:XValidation:rule="has(self.tenant) == has(oldSelf.tenant) && (!has(self.tenant) || self.tenant == oldSelf.tenant)",message="tenant is immutable"
// +kubebuilder:validation:XValidation:rule="!has(oldSelf.owner) || has(self.owner) && self.owner == oldSelf.owner",message="owner is immutable once it is set"
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

	// suspend puts the session to sleep and keeps it asleep: requests are answered 503.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// input is given to the session's containers as the file /run/dormouse/input, at most 64 KiB of UTF-8. A change of it counts
	// from the next epoch on. Absent: there is no such file.
	// +kubebuilder:validation:MaxLength=65536
	// +kubebuilder:validation:XValidation:rule="size(bytes(self)) <= 65536",message="must have at most 65536 bytes"
	// +optional
	Input *string `json:"input,omitempty"`

	// schedule wakes the session again and again: five cron fields (minute, hour, day of month, month, day of week), as "0 6 * * mon-fri".
	// A schedule that is set or changed counts from then on.
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern=`^[0-9A-Za-z*?/-]+(,[0-9A-Za-z*?/-]+)*( +[0-9A-Za-z*?/-]+(,[0-9A-Za-z*?/-]+)*){4}$`
	// +optional
	Schedule string `json:"schedule,omitempty"`

	// timeZone that the schedule is meant in, by its IANA name, as Europe/Berlin. Default: UTC.
	// +kubebuilder:validation:MaxLength=64
	// +kubebuilder:validation:Pattern=`^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$`
	// +kubebuilder:validation:XValidation:rule="self != 'Local'",message="must be an IANA name; which zone is local depends on the operator's machine"
	// +optional
	TimeZone string `json:"timeZone,omitempty"`

	// missed says what becomes of times that went by for longer than a minute while nobody looked: Run wakes the session once, as soon
	// as somebody does; Skip waits for the next time. Default: Run.
	// +optional
	Missed MissedPolicy `json:"missed,omitempty"`

	// alarms are single times at which the session is woken: at most 64, in any order, and changed at any time. Those not after the
	// session's creation or status.lastAlarm are over.
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	// +optional
	Alarms []Alarm `json:"alarms,omitempty"`

	// tenant is on whose account the session runs, a DNS label: limits.perTenant of the template counts by it, and places are
	// given to tenants in turn. Sessions without one are of one tenant, which has no name.
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Tenant string `json:"tenant,omitempty"`

	// owner is whose session it is: <issuer>#<subject> of a JSON Web Token, or the subject of a capability token. A gateway writes it when a
	// request makes the session. It counts where access.use or wake.by of the template is Owner, and may be set once. Empty: nobody's.
	// +kubebuilder:validation:MaxLength=512
	// +optional
	Owner string `json:"owner,omitempty"`
}

// SessionPhase is where a session stands. Empty: nobody has wanted it yet.
// +kubebuilder:validation:Enum=Asleep;Queued;Waking;Awake;Hibernated;Draining;Stopping;Completed;Failed
type SessionPhase string

const (
	// PhaseAsleep has no pod and is not wanted, or not yet.
	PhaseAsleep SessionPhase = "Asleep"
	// PhaseQueued is wanted and waits for a limit; or, for a second, was refused for one.
	PhaseQueued SessionPhase = "Queued"
	// PhaseWaking has a pod that starts, for longer than a wake should take.
	PhaseWaking SessionPhase = "Waking"
	// PhaseAwake is published: gateways send requests to its endpoint.
	PhaseAwake SessionPhase = "Awake"
	// PhaseHibernated is Awake with few resources; the next request gives them back, and does not wait for that.
	PhaseHibernated SessionPhase = "Hibernated"
	// PhaseDraining is unpublished, its pod still runs, and a touch publishes it again.
	PhaseDraining SessionPhase = "Draining"
	// PhaseStopping has a pod that ends; whatever comes waits for the next epoch.
	PhaseStopping SessionPhase = "Stopping"
	// PhaseCompleted has done its work, and is never woken again.
	PhaseCompleted SessionPhase = "Completed"
	// PhaseFailed could not start, or ended too often, and waits until retryAt before it may be woken again; without retryAt it
	// has failed for good.
	PhaseFailed SessionPhase = "Failed"
)

// ActivitySource says who needed a session.
// +kubebuilder:validation:Enum=request;connection;user;alarm;schedule
type ActivitySource string

const (
	// SourceRequest is a request that waits, or was served.
	SourceRequest ActivitySource = "request"
	// SourceConnection is an open upgraded connection.
	SourceConnection ActivitySource = "connection"
	// SourceUser is a person, by hand.
	SourceUser ActivitySource = "user"
	// SourceAlarm is one of the session's alarms.
	SourceAlarm ActivitySource = "alarm"
	// SourceSchedule is the session's schedule.
	SourceSchedule ActivitySource = "schedule"
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

	// volumes that the session had when it was published, by name. One that is gone is not replaced unless somebody accepts it.
	// +listType=map
	// +listMapKey=name
	// +optional
	Volumes []VolumeReference `json:"volumes,omitempty"`

	// templateGeneration is the generation of the template that the latest published pod was made of.
	// +optional
	TemplateGeneration int64 `json:"templateGeneration,omitempty"`

	// lastExit is how the last pod ended.
	// +optional
	LastExit *Exit `json:"lastExit,omitempty"`

	// history is how the last pods ended that did not just fall asleep, the latest first. Messages are cut to 256 bytes.
	// +kubebuilder:validation:MaxItems=10
	// +listType=atomic
	// +optional
	History []Exit `json:"history,omitempty"`

	// started are the sessions that followed from the end of this one.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	Started []StartedSession `json:"started,omitempty"`

	// onDelete are the last sessions of this one, which is being deleted: it goes when all are Completed.
	// +kubebuilder:validation:MaxItems=16
	// +listType=map
	// +listMapKey=name
	// +optional
	OnDelete []StartedSession `json:"onDelete,omitempty"`

	// failures in a row, if there are any.
	// +optional
	Failures *Failures `json:"failures,omitempty"`

	// lastAlarm is the latest time of an alarm or of the schedule that the session was woken for. No time up to it is due again.
	// +optional
	LastAlarm *metav1.Time `json:"lastAlarm,omitempty"`

	// schedule is the schedule that the operator goes by.
	// +optional
	Schedule *ObservedSchedule `json:"schedule,omitempty"`

	// limit of the template that the session waits for, or was refused for last: limits.awake, limits.starting,
	// limits.sessions, or one of these under limits.perTenant.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Limit string `json:"limit,omitempty"`

	Words `json:",inline"`

	// conditions: Ready; and Scheduled, which is False while the schedule cannot be followed.
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
// +kubebuilder:selectablefield:JSONPath=`.spec.tenant`
// +kubebuilder:selectablefield:JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="State",type=string,JSONPath=`.status.phase`
// +kubebuilder:printcolumn:name="Ready",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Ready")].reason`
// +kubebuilder:printcolumn:name="Epoch",type=integer,JSONPath=`.status.epoch`
// +kubebuilder:printcolumn:name="Last active",type=date,JSONPath=`.status.activity.time`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:printcolumn:name="Tenant",type=string,priority=1,JSONPath=`.spec.tenant`
// +kubebuilder:printcolumn:name="Pod",type=string,priority=1,JSONPath=`.status.pod.name`
// +kubebuilder:printcolumn:name="Wanted by",type=string,priority=1,JSONPath=`.status.activity.source`
// +kubebuilder:printcolumn:name="Template generation",type=integer,priority=1,JSONPath=`.status.templateGeneration`
// +kubebuilder:printcolumn:name="Node",type=string,priority=1,JSONPath=`.status.pod.node`
// +kubebuilder:printcolumn:name="Waiting for",type=string,priority=1,JSONPath=`.status.waitingFor`
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
