package session

import (
	"fmt"
	"time"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// wordFact tells activities apart by what the workload said. It is empty where it said nothing.
func wordFact(a *v1alpha1.Activity) (fact string) {
	if a.IdleAfter != nil {
		fact += fmt.Sprintf(" idle after %s", a.IdleAfter.Duration)
	}
	if a.Busy != nil {
		fact += fmt.Sprintf(" busy for %s", a.Busy.Duration)
	}
	return fact
}

// said is what the workload said by an activity: its idle time, if it said one, and until when it is busy. That is counted, as
// idle time is, from when this operator first saw the activity.
func (m *memory) said(a *v1alpha1.Activity) (idleAfter *time.Duration, busyUntil time.Time) {
	if a == nil {
		return nil, time.Time{}
	}
	if a.IdleAfter != nil {
		idleAfter = &a.IdleAfter.Duration
	}
	if a.Busy != nil {
		busyUntil = m.activity.since.Add(a.Busy.Duration)
	}
	return idleAfter, busyUntil
}
