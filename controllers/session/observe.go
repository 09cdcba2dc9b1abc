package session

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// observe puts what was gathered into the words of the lifecycle.
func observe(w *world) lifecycle.Observation {
	o := lifecycle.Observation{
		Now:      w.now,
		Session:  observeSession(w),
		Template: observeTemplate(w.template),
		Sight:    w.sight,
		Slot:     w.slot,
		Save: lifecycle.SaveState{
			Running: w.saved.Running, Done: w.saved.Done,
			Failed: w.saved.Err != nil, RetryAt: w.saved.RetryAt,
		},
	}
	if w.pod != nil {
		o.Pod = observePod(w)
	}
	if w.memory.refused != nil {
		o.Refused = w.memory.refused.reason
	}
	return o
}

func observeSession(w *world) lifecycle.Session {
	s, status := w.session, &w.session.Status
	o := lifecycle.Session{
		Phase:          lifecycle.Phase(status.Phase),
		Reason:         readyReason(s),
		Deleting:       s.DeletionTimestamp != nil,
		Protected:      controllerutil.ContainsFinalizer(s, v1alpha1.Finalizer),
		Misnamed:       w.misnamed,
		Epoch:          status.Epoch,
		Published:      status.Endpoint != nil,
		Drained:        status.Drain != nil,
		Touched:        s.Touched(),
		ActiveSince:    w.memory.activity.since,
		PublishedSince: w.memory.publication.since,
		DrainedSince:   w.memory.drain.since,
	}
	o.IdleAfter, o.BusyUntil = w.memory.said(s.Demand())
	if status.Pod != nil {
		o.PodUID = string(status.Pod.UID)
	}
	if d := status.Drain; d != nil {
		o.Forced, o.Deadline = d.Forced, microTime(d.Deadline)
	}
	if f := status.Failures; f != nil {
		o.Failures, o.RetryAt = int(f.Count), microTime(f.RetryAt)
	}
	return o
}

func observeTemplate(t *v1alpha1.SessionTemplate) lifecycle.Template {
	o := lifecycle.Template{Found: t != nil, IdleAfter: lifecycle.DefaultIdleAfter, WakeTimeout: lifecycle.DefaultWakeTimeout}
	if t == nil {
		return o
	}
	o.IdleAfter = duration(t.Spec.Idle.After, o.IdleAfter)
	o.WakeTimeout = duration(t.Spec.Wake.Timeout, o.WakeTimeout)
	return o
}

func observePod(w *world) *lifecycle.Pod {
	epoch, _ := podspec.Epoch(w.pod)
	o := &lifecycle.Pod{
		UID:      string(w.pod.UID),
		Epoch:    epoch,
		Mine:     metav1.IsControlledBy(w.pod, w.session),
		Since:    w.memory.pod.since,
		Address:  hasAddress(w.pod),
		Trouble:  troubleOf(w.pod),
		Deleting: w.pod.DeletionTimestamp != nil,
		Ended:    hasEnded(w.pod, w.nodeGone),
		EndedAt:  w.memory.end.since,
		Finished: w.pod.DeletionTimestamp != nil && *w.pod.DeletionGracePeriodSeconds == 0,
	}
	_, o.SaveTime, o.Saves = podspec.SaveOf(w.pod)
	if o.Deleting {
		o.OverdueAt = w.memory.overdue(w.pod)
	}
	if o.Ended {
		o.Exit = exitOf(w.pod).kind
	}
	return o
}

func hasAddress(pod *corev1.Pod) bool {
	_, ok := podspec.PortOf(pod)
	return ok && pod.Status.PodIP != ""
}

func readyReason(s *v1alpha1.Session) lifecycle.Reason {
	if c := meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionReady); c != nil {
		return lifecycle.Reason(c.Reason)
	}
	return ""
}

func microTime(t *metav1.MicroTime) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.Time
}

func duration(d *metav1.Duration, otherwise time.Duration) time.Duration {
	if d == nil {
		return otherwise
	}
	return d.Duration
}
