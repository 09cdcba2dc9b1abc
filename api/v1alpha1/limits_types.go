package v1alpha1

// LimitsSpec bounds the sessions of a template. A change holds for whoever comes next: a limit that is raised lets those go on
// who wait, and one that is lowered stops nobody.
type LimitsSpec struct {
	// awake is how many sessions of this template have a pod at once, at most. Absent: no limit.
	// +kubebuilder:validation:Minimum=1
	// +optional
	Awake *int32 `json:"awake"`

	// starting is how many pods of this template start at once, at most: from the creation of a pod until it is published or
	// has failed. The next ones queue, whatever whenFull says. Absent: no limit.
	// +kubebuilder:validation:Minimum=1
	// +optional
	Starting *int32 `json:"starting,omitempty"`

	// createsPerMinute is how many sessions of this template requests to one gateway may bring about in a minute, on average, and
	// as many at once after a pause; a request for one more new key is answered 429. Absent: no limit.
	// +kubebuilder:validation:Minimum=1
	// +optional
	CreatesPerMinute *int32 `json:"createsPerMinute,omitempty"`

	// perTenant bounds the sessions of one tenant of this template. Those without a tenant share one.
	// +optional
	PerTenant TenantLimits `json:"perTenant,omitzero"`

	// whenFull says what becomes of a session that is wanted when limits.awake or limits.perTenant.awake is reached. Queue: it
	// waits; who comes first is served first within a tenant, and tenants take turns. EvictIdle: it waits, and of the
	// sessions in its way the one that has been idle longest is put to sleep before its time, but none that was needed
	// within the last half of idle.after. Reject: whoever waits for it is answered 503 at once.
	// +kubebuilder:default=Queue
	// +optional
	WhenFull FullPolicy `json:"whenFull,omitempty"`

	// sessions is how many sessions of this template may be woken; those asleep count until they are deleted. A request for one more
	// key is answered 503. Who has run comes first, then the oldest. One beyond the limit is never woken: it is deleted if a request
	// made it, any other is let in when there is room. More objects than that may be there for seconds; a ResourceQuota is the hard
	// wall. Absent: no limit.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Sessions *int32 `json:"sessions,omitempty"`
}

// TenantLimits bounds the sessions of one tenant of a template.
type TenantLimits struct {
	// awake is how many sessions of one tenant have a pod at once, at most. Absent: no limit.
	// +kubebuilder:validation:Minimum=1
	// +optional
	Awake *int32 `json:"awake,omitempty"`

	// starting is how many pods of one tenant start at once, at most, as limits.starting counts them. The next ones queue,
	// whatever whenFull says. Absent: no limit.
	// +kubebuilder:validation:Minimum=1
	// +optional
	Starting *int32 `json:"starting,omitempty"`

	// sessions is how many sessions of one tenant may be woken; those asleep count until they are deleted. Who comes first, and what
	// becomes of one beyond the limit, is as with limits.sessions, of which one beyond this limit takes no place. Gateways do not count
	// by tenant: a request for one more key makes a Session, which is refused and deleted. Absent: no limit.
	// +kubebuilder:validation:Minimum=0
	// +optional
	Sessions *int32 `json:"sessions,omitempty"`

	// createsPerMinute is how many sessions of one tenant requests to one gateway may bring about in a minute, as limits.createsPerMinute
	// counts them; it takes no part of that of another tenant. Absent: no limit.
	// +kubebuilder:validation:Minimum=1
	// +optional
	CreatesPerMinute *int32 `json:"createsPerMinute,omitempty"`
}

// FullPolicy says what becomes of a session that is wanted when a limit is reached.
// +kubebuilder:validation:Enum=Queue;EvictIdle;Reject
type FullPolicy string

const (
	// FullQueue has it wait for another session to sleep.
	FullQueue FullPolicy = "Queue"
	// FullEvictIdle has it wait, and puts the session to sleep that has been idle longest.
	FullEvictIdle FullPolicy = "EvictIdle"
	// FullReject refuses it.
	FullReject FullPolicy = "Reject"
)
