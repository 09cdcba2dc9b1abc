package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// Drain is the unpublish on which a sleep was decided. It stays from the unpublish until the next publication: in between
// an unforced session is wanted if, and only if, its activity differs from the one here.
type Drain struct {
	// activity that the sleep was decided on. Absent: there was none.
	// +optional
	Activity *Activity `json:"activity,omitempty"`
	// forced says that no demand takes this sleep back: suspend, deletion, a rollout, its lifetime or want of room ends it.
	// +optional
	Forced bool `json:"forced,omitempty"`
	// deadline of a forced drain: requests still in flight then are cut off.
	// +optional
	Deadline *metav1.MicroTime `json:"deadline,omitempty"`
}

// Demand is the latest demand for the session: its activity, or, until the first touch, the wish that a gateway made it with.
// Nil: nobody has wanted it yet.
func (s *Session) Demand() *Activity {
	if s.Status.Activity != nil {
		return s.Status.Activity
	}
	since, err := time.Parse(time.RFC3339Nano, s.Annotations[AnnotationWantedSince])
	if err != nil {
		return nil
	}
	return &Activity{Time: metav1.NewMicroTime(since), Source: SourceRequest}
}

// Touched says whether there is demand other than that which the present sleep was decided on. While a session is unpublished
// this is what wanted means, to the operator and to every gateway alike; no clock is asked.
func (s *Session) Touched() bool {
	now := s.Demand()
	if s.Status.Drain == nil {
		return now != nil
	}
	return !now.Equal(s.Status.Drain.Activity)
}

// Equal says whether two activities are the same demand.
func (a *Activity) Equal(b *Activity) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Time.Time.Equal(b.Time.Time) && a.Source == b.Source && a.By == b.By &&
		ptr.Equal(a.IdleAfter, b.IdleAfter) && ptr.Equal(a.Busy, b.Busy)
}
