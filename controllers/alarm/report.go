package alarm

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// observe is the session with what its status has to say of its schedule, and the schedule itself: nil if there is none, and nil
// with an error if it cannot be followed.
func observe(s *v1alpha1.Session, now time.Time) (*v1alpha1.Session, *schedule, error) {
	next := s.DeepCopy()
	next.Status.Schedule = observed(s, now)
	if s.Spec.Schedule == "" {
		meta.RemoveStatusCondition(&next.Status.Conditions, v1alpha1.ConditionScheduled)
		return next, nil, nil
	}
	by, err := parse(s.Spec.Schedule, s.Spec.TimeZone, now)
	if err == nil {
		meta.RemoveStatusCondition(&next.Status.Conditions, v1alpha1.ConditionScheduled)
		return next, by, nil
	}
	meta.SetStatusCondition(&next.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionScheduled, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonInvalidSchedule,
		Message: v1alpha1.Messages[v1alpha1.ReasonInvalidSchedule], ObservedGeneration: s.Generation, LastTransitionTime: metav1.NewTime(now),
	})
	return next, nil, err
}

// observed is the schedule as it was seen first. One that a session was created with counts from its creation, whoever was away
// then; another from now on: its times of before were never asked for.
func observed(s *v1alpha1.Session, now time.Time) *v1alpha1.ObservedSchedule {
	seen := s.Status.Schedule
	switch {
	case s.Spec.Schedule == "":
		return nil
	case seen != nil && seen.Cron == s.Spec.Schedule && seen.TimeZone == s.Spec.TimeZone:
		return seen
	case s.Generation == 1:
		return &v1alpha1.ObservedSchedule{Cron: s.Spec.Schedule, TimeZone: s.Spec.TimeZone, Since: s.CreationTimestamp}
	}
	return &v1alpha1.ObservedSchedule{Cron: s.Spec.Schedule, TimeZone: s.Spec.TimeZone, Since: metav1.NewTime(now)}
}

// ring writes the touch that a due time asks for, and the time.
func ring(status *v1alpha1.SessionStatus, p plan, now time.Time) {
	if p.due.IsZero() {
		return
	}
	touch := &v1alpha1.Activity{Time: metav1.NewMicroTime(now.Truncate(time.Microsecond)), Source: p.source, By: v1alpha1.ByOperator}
	if a := status.Activity; a != nil {
		touch.Time = metav1.NewMicroTime(later(touch.Time.Time, a.Time.Add(time.Microsecond)))
	}
	if status.Endpoint != nil {
		carry(touch, status.Activity)
	}
	status.Activity = touch
	status.LastAlarm = ptr.To(metav1.NewTime(p.due))
}

// carry puts into a touch of a session that serves what its workload said and still holds, as every other touch does: but for the word
// that it may sleep at once, which demand takes back.
func carry(touch, last *v1alpha1.Activity) {
	if last == nil {
		return
	}
	if last.IdleAfter != nil && last.IdleAfter.Duration > 0 {
		touch.IdleAfter = last.IdleAfter
	}
	if last.Busy == nil {
		return
	}
	if left := last.Busy.Duration - touch.Time.Sub(last.Time.Time); left > 0 {
		touch.Busy = &metav1.Duration{Duration: left}
	}
}
