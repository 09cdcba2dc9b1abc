package cluster

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

// wordOf is what the workload said, by an activity.
func wordOf(a *v1alpha1.Activity) (w directory.Word) {
	if a.IdleAfter != nil {
		w.IdleAfter = &a.IdleAfter.Duration
	}
	if a.Busy != nil {
		w.Busy = &a.Busy.Duration
	}
	return w
}

// saidBy is a word as an activity carries it. What is left of a lease is rounded up to milliseconds: the API takes no shorter unit.
func saidBy(w directory.Word) (idleAfter, busy *metav1.Duration) {
	if w.IdleAfter != nil {
		idleAfter = &metav1.Duration{Duration: *w.IdleAfter}
	}
	if w.Busy != nil {
		busy = &metav1.Duration{Duration: (*w.Busy + time.Millisecond - 1).Truncate(time.Millisecond)}
	}
	return idleAfter, busy
}

// touchPatch is an activity as a merge patch writes it: what the touch before said, and this one does not, is taken out.
type touchPatch struct {
	v1alpha1.Activity
	IdleAfter *metav1.Duration `json:"idleAfter"`
	Busy      *metav1.Duration `json:"busy"`
}

func whole(a v1alpha1.Activity) touchPatch {
	return touchPatch{Activity: a, IdleAfter: a.IdleAfter, Busy: a.Busy}
}
