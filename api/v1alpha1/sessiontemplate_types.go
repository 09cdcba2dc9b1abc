package v1alpha1

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// SessionTemplateSpec says what a session is made of, how its key is found in a request, and when it sleeps.
// +kubebuilder:validation:XValidation:rule="!has(self.template.metadata) || !has(self.template.metadata.labels) || self.template.metadata.labels.all(k, !k.startsWith('sessions.dormouse.dev/'))",message="template.metadata.labels: the prefix sessions.dormouse.dev/ is reserved"
// +kubebuilder:validation:XValidation:rule="!has(self.template.metadata) || !has(self.template.metadata.annotations) || self.template.metadata.annotations.all(k, !k.startsWith('sessions.dormouse.dev/'))",message="template.metadata.annotations: the prefix sessions.dormouse.dev/ is reserved"
// +kubebuilder:validation:XValidation:rule="self.mode != 'Task' || !(has(self.lifetime) && has(self.lifetime.awake)) && self.rollout != 'Drain'",message="lifetime.awake and rollout: Drain: not with mode Task, whose work they would throw away"
// +kubebuilder:validation:XValidation:rule="!(self.mode == 'Task' || self.restart.policy == 'Permanent') || !has(self.outcomes) || self.outcomes.all(o, o.then != 'Sleep')",message="outcomes: then: Sleep: not with mode Task or restart.policy Permanent, which would not let it sleep"
// +kubebuilder:validation:XValidation:rule="self.mode == 'Task' || !has(self.outcomes) || self.outcomes.all(o, !has(o.after))",message="outcomes: after: only with mode Task"
// +kubebuilder:validation:XValidation:rule="!has(self.hibernate) || self.mode != 'Task'",message="hibernate: not with mode Task"
// +kubebuilder:validation:XValidation:rule="!has(self.save) || !has(self.save.after) || self.mode != 'Task'",message="save.after: not with mode Task"
// +kubebuilder:validation:XValidation:rule="self.wake.by == 'Anyone' || has(self.access) && (has(self.access.jwt) && size(self.access.jwt) > 0 || self.access.kubernetes || self.access.capability)",message="wake.by: Authenticated and Owner need a way to say who calls: access.jwt, access.kubernetes or access.capability"
// +kubebuilder:validation:XValidation:rule="has(self.port) || self.mode == 'Task' && !has(self.save)",message="port: required, unless mode is Task and there is no save hook"
// +kubebuilder:validation:XValidation:rule="!has(self.template.spec.restartPolicy) || self.template.spec.restartPolicy == 'Never'",message="template.spec.restartPolicy: must be Never or absent; a restart of a session is a new pod with a new epoch"
// +kubebuilder:validation:XValidation:rule="self.protocol != 'TCP' || !has(self.save) && !has(self.wake.ready) && !(has(self.idle.hibernateConnections) && self.idle.hibernateConnections) && (!has(self.routes) || self.routes.all(r, has(r.host)))",message="protocol: TCP: its routes have a host, and there is none of save, wake.ready and idle.hibernateConnections, which are HTTP"
// +kubebuilder:validation:XValidation:rule="!has(self.identity) || (self.protocol == 'TCP') == has(self.identity.port) && (!has(self.identity.port) || !has(self.port) || self.identity.port != self.port)",message="identity.port: another port than the session's, with protocol: TCP, and with nothing else"
// +kubebuilder:validation:XValidation:rule="!has(self.routes) || self.routes.all(r, !has(r.claim)) || has(self.access) && has(self.access.jwt) && size(self.access.jwt) > 0",message="routes: claim: needs access.jwt, whose tokens have it"
type SessionTemplateSpec struct {
	// mode says what keeps a session up: OnDemand, that somebody needs it; Task, that it has not done its work yet.
	// +kubebuilder:default=OnDemand
	// +optional
	Mode SessionMode `json:"mode,omitempty"`

	// key says which keys are sessions of this template, and what a request for a new one does.
	// +kubebuilder:default={}
	// +optional
	Key KeySpec `json:"key,omitempty"`

	// routes say how a gateway finds the key in a request. The first that matches wins; without one, no request reaches
	// the sessions of this template.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	Routes []Route `json:"routes,omitempty"`

	// port is the container port that serves, by name or number. Only a Task may have none.
	// +kubebuilder:validation:XIntOrString
	// +optional
	Port intstr.IntOrString `json:"port,omitzero"`

	// protocol is what the port speaks: HTTP (1.1, and WebSocket), H2C (HTTP/2 without TLS and without an upgrade to it, as gRPC
	// servers do), or TCP (TLS of the workload's own: connections are passed through as they are, and the host of a route is the server name
	// of their TLS). Of H2C, one connection carries many requests, and wake.ready and save are asked over it too.
	// +kubebuilder:default=HTTP
	// +optional
	Protocol Protocol `json:"protocol,omitempty"`

	// access says who may use the sessions, and how a gateway knows who calls. Absent: anyone, and no request is asked for a credential.
	// +optional
	Access *AccessSpec `json:"access,omitempty"`

	// wake bounds the start of a session and those who wait for it.
	// +kubebuilder:default={}
	// +optional
	Wake WakeSpec `json:"wake,omitempty"`

	// identity has each new connection to a pod asked for the pod's UID.
	// +optional
	Identity *IdentitySpec `json:"identity,omitempty"`

	// idle says when a session falls asleep.
	// +kubebuilder:default={}
	// +optional
	Idle IdleSpec `json:"idle,omitempty"`

	// hibernate takes resources from a pod that nobody needs, before it sleeps.
	// +optional
	Hibernate *HibernateSpec `json:"hibernate,omitempty"`

	// save is a request to the pod, made after its last request and before it is stopped.
	// +optional
	Save *SaveSpec `json:"save,omitempty"`

	// restart says what follows when a pod ends by itself, where no outcome does.
	// +kubebuilder:default={}
	// +optional
	Restart RestartSpec `json:"restart,omitempty"`

	// outcomes say what follows from how a pod ended. The first that matches wins; where none does, restart decides.
	// +kubebuilder:validation:MaxItems=32
	// +listType=atomic
	// +optional
	Outcomes []Outcome `json:"outcomes,omitempty"`

	// onDelete says what runs before a session that is deleted goes.
	// +optional
	OnDelete *OnDeleteSpec `json:"onDelete,omitempty"`

	// rollout says when a change of what a pod is made of takes effect for sessions that are awake: Wake, with the next wake; or
	// Drain, by putting them to sleep, in turn: requests wait meanwhile and wake the next pod.
	// +kubebuilder:default=Wake
	// +optional
	Rollout RolloutPolicy `json:"rollout,omitempty"`

	// rolloutAtOnce is how many sessions are on their way from their old pod to the next one at once, with rollout: Drain.
	// +kubebuilder:default=1
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=1000
	// +optional
	RolloutAtOnce int32 `json:"rolloutAtOnce,omitempty"`

	// lifetime ends what lasts too long, awake or asleep.
	// +optional
	Lifetime LifetimeSpec `json:"lifetime,omitempty"`

	// limits bound the sessions of this template.
	// +optional
	Limits LimitsSpec `json:"limits,omitempty"`

	// volumeClaimTemplates are the volumes that each session has of its own, at most 8. They are kept while it sleeps.
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:XValidation:rule="self.all(a, self.exists_one(b, a.metadata.name == b.metadata.name))",message="two claims have the same name"
	// +listType=atomic
	// +optional
	VolumeClaimTemplates []VolumeClaimTemplate `json:"volumeClaimTemplates,omitempty"`

	// volumeRetention says what becomes of a session's claims when the Session is deleted: Delete or Retain. It counts for
	// claims that are made from then on.
	// +kubebuilder:default=Delete
	// +optional
	VolumeRetention VolumeRetention `json:"volumeRetention,omitempty"`

	PodCalls `json:",inline"`

	// template is the pod of a session. restartPolicy is Never; the service account's token is not mounted unless it says so.
	Template corev1.PodTemplateSpec `json:"template"`
}

// SessionMode says what keeps a session up.
// +kubebuilder:validation:Enum=OnDemand;Task
type SessionMode string

const (
	// ModeOnDemand is a session that is up while somebody needs it.
	ModeOnDemand SessionMode = "OnDemand"
	// ModeTask is a session that is up from its creation until its pod has ended with code 0. Then it is Completed.
	ModeTask SessionMode = "Task"
)

// WakeSpec bounds the start of a session and those who wait for it.
type WakeSpec struct {
	// timeout is how long a start may take and a request may wait for it, 1s to 1h.
	// +kubebuilder:default="60s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="must be 1s to 1h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// maxHeld is how many requests for one key wait in one gateway; the next is answered 503.
	// +kubebuilder:default=100
	// +kubebuilder:validation:Minimum=1
	// +kubebuilder:validation:Maximum=10000
	// +optional
	MaxHeld int32 `json:"maxHeld,omitempty"`

	// by says who wakes a session, beside being somebody who may use it: a request of anybody else is served while the session is awake, and
	// refused while it sleeps. Who may wake a session may also make one, with key.onMissing: Create, and is its owner then.
	// +kubebuilder:default=Anyone
	// +optional
	By Who `json:"by,omitempty"`

	// ready is polled before the first request is let through. Without it an open port is enough.
	// +optional
	Ready *HTTPGet `json:"ready,omitempty"`
}

// HTTPGet is a GET request to the port of the session, answered by 200 to 399 when all is well.
type HTTPGet struct {
	// path of the request.
	// +kubebuilder:validation:Pattern=`^/[^ ]*$`
	// +kubebuilder:validation:MaxLength=253
	Path string `json:"path"`
}

// SaveSpec is the request that saves a session's state: POST to the port of the session, answered by 200 to 299 when the
// state is safe. It is made at least once for each sleep, and again if it failed.
type SaveSpec struct {
	// path of the request.
	// +kubebuilder:validation:Pattern=`^/[^ ]*$`
	// +kubebuilder:validation:MaxLength=253
	Path string `json:"path"`

	// timeout of one attempt, 1s to 1h.
	// +kubebuilder:default="10s"
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('1h')",message="must be 1s to 1h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// after is how long nobody may need the session until it is saved and goes on serving, 1s to 720h; without it, it is saved only on its way
	// to a stop. It is made once for each time that nobody needs the session, and again if it failed. Requests may come meanwhile.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern=`^([0-9]+(\.[0-9]+)?(ms|s|m|h))+$`
	// +kubebuilder:validation:XValidation:rule="duration(self) >= duration('1s') && duration(self) <= duration('720h')",message="must be 1s to 720h"
	// +kubebuilder:validation:MaxLength=32
	// +optional
	After *metav1.Duration `json:"after,omitempty"`
}

// SessionTemplateStatus is what the operator says of a template.
type SessionTemplateStatus struct {
	// observedGeneration is the generation that the conditions speak of.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// sessions counts the sessions of this template by phase. It follows at most every ten seconds.
	// +optional
	Sessions SessionCounts `json:"sessions,omitempty"`

	// routesTaken are the routes that get no request, because another template gets all that they would match.
	// +kubebuilder:validation:MaxItems=16
	// +listType=atomic
	// +optional
	RoutesTaken []TakenRoute `json:"routesTaken,omitempty"`

	// conditions: Accepted (the template is sound, and the API server took its pod in a dry run), Ready, and while another
	// template has one of its routes, Routed.
	// +listType=map
	// +listMapKey=type
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`
}

// TakenRoute is a route that another template has: one that is older.
type TakenRoute struct {
	// route is the place of the route in spec.routes, from 0.
	Route int32 `json:"route"`
	// namespace is that of the template that has it.
	Namespace string `json:"namespace"`
	// template is the name of the template that has it.
	Template string `json:"template"`
}

// SessionCounts counts sessions.
type SessionCounts struct {
	// total is the number of sessions.
	// +optional
	Total int32 `json:"total"`
	// awake is the number of sessions in phase Awake or Draining: their pod runs.
	// +optional
	Awake int32 `json:"awake"`
	// waking is the number of sessions in phase Queued or Waking.
	// +optional
	Waking int32 `json:"waking"`
	// failed is the number of sessions in phase Failed.
	// +optional
	Failed int32 `json:"failed"`
}

// SessionTemplate is a kind of session: one workload per key, written by whoever runs the platform.
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:shortName=sestpl,categories=dormouse
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Reason",type=string,JSONPath=`.status.conditions[?(@.type=="Accepted")].reason`
// +kubebuilder:printcolumn:name="Sessions",type=integer,JSONPath=`.status.sessions.total`
// +kubebuilder:printcolumn:name="Awake",type=integer,JSONPath=`.status.sessions.awake`
// +kubebuilder:printcolumn:name="Idle after",type=string,JSONPath=`.spec.idle.after`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
// +kubebuilder:validation:XValidation:rule="!self.metadata.name.contains('.') && self.metadata.name.size() <= 63",message="metadata.name: no dots and at most 63 characters, because a Session is named <template>.<key>"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.outcomes) || self.spec.outcomes.all(o, !has(o.start) || o.start.all(s, s.template != self.metadata.name))",message="spec.outcomes: start: a session cannot start one of its own template, which would be itself"
// +kubebuilder:validation:XValidation:rule="!has(self.spec.onDelete) || self.spec.onDelete.start.all(s, s.template != self.metadata.name)",message="spec.onDelete: start: a session cannot start one of its own template, which would be itself"
type SessionTemplate struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec SessionTemplateSpec `json:"spec"`
	// +optional
	Status SessionTemplateStatus `json:"status,omitempty"`
}

// SessionTemplateList is a list of templates.
// +kubebuilder:object:root=true
type SessionTemplateList struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []SessionTemplate `json:"items"`
}
