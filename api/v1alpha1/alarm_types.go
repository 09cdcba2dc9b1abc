package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Alarm is a time in RFC 3339, in whole seconds: 2026-12-24T18:00:00+01:00. It is a text, because what the API server takes for a
// time is more than what clients can read.
// +kubebuilder:validation:Format=date-time
// +kubebuilder:validation:Pattern=`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
type Alarm string

// Time is the time of an alarm; zero for a text that is none.
func (a Alarm) Time() time.Time {
	at, err := time.Parse(time.RFC3339, string(a))
	if err != nil {
		return time.Time{}
	}
	return at
}

// MissedPolicy says what becomes of times that went by while nobody looked.
// +kubebuilder:validation:Enum=Run;Skip
type MissedPolicy string

const (
	// MissedRun wakes the session once, however many times were missed, as soon as somebody looks.
	MissedRun MissedPolicy = "Run"
	// MissedSkip waits for the next time.
	MissedSkip MissedPolicy = "Skip"
)

// ByOperator is the instance in an activity that the operator writes: for an alarm, or for the schedule.
const ByOperator = "operator"

// ObservedSchedule is a schedule as the operator saw it first. It is what a changed schedule is told by.
type ObservedSchedule struct {
	// cron is spec.schedule.
	Cron string `json:"cron"`
	// timeZone is spec.timeZone.
	// +optional
	TimeZone string `json:"timeZone,omitempty"`
	// since is when the operator saw it first, or the creation of a session that came with it. No time up to then is due.
	Since metav1.Time `json:"since"`
}
