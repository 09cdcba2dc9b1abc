package v1alpha1

// Words say to a person what the reason of a condition cannot say, because that is constant.
type Words struct {
	// waitingFor is what a session that is on its way waits for: the part that varies of what the reason of Ready says, at most 256 bytes.
	// It is as old as that reason: a wait of less than a second is not reported. Absent: nothing, or nothing that is known.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	WaitingFor string `json:"waitingFor,omitempty"`

	// notIdleBecause is why a session that is up is not put to sleep, in constant words of at most 256 bytes; activity has the times.
	// Absent: it is not up.
	// +kubebuilder:validation:MaxLength=256
	// +optional
	NotIdleBecause string `json:"notIdleBecause,omitempty"`
}

// Why a session that is up is not put to sleep: what its status.notIdleBecause says. The words are constant, so that a touch changes none.
const (
	NotIdleNeeded    = "Somebody needed it, or it was published, less than idle.after ago. See status.activity."
	NotIdleTold      = "Its workload said when it is idle, and that is not so yet. See status.activity.idleAfter."
	NotIdleBusy      = "Its workload said that it is busy. See status.activity.busy."
	NotIdleTask      = "It is a Task, and has not ended."
	NotIdlePermanent = "restart.policy of its template is Permanent."
)
