package session

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
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
		Template: observeTemplate(w.template, w.pod),
		Sight:    w.sight,
		Slot:     w.place.Room,
		Full:     fullOf(w),
		Evict:    w.place.Evict,
		Beyond:   w.beyond,
		Save: lifecycle.SaveState{
			Running: w.saved.Running, Done: w.saved.Done,
			Failed: w.saved.Err != nil, RetryAt: w.saved.RetryAt,
		},
	}
	o.Template.HibernateAfter = hibernateAfter(w)
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
		Reason:         lifecycle.Reason(s.ReadyReason()),
		Limit:          status.Limit,
		Deleting:       s.DeletionTimestamp != nil,
		LetGoAt:        w.memory.letGoAt(),
		Protected:      controllerutil.ContainsFinalizer(s, v1alpha1.Finalizer),
		Misnamed:       w.misnamed,
		Suspended:      s.Spec.Suspend,
		Made:           madeByRequest(s),
		Follows:        follows(s) && status.Activity == nil,
		Epoch:          status.Epoch,
		Published:      status.Endpoint != nil,
		Drained:        status.Drain != nil,
		Touched:        s.Touched(),
		ActiveSince:    w.memory.activity.since,
		PublishedSince: w.memory.publication.since,
		DrainedSince:   w.memory.drain.since,
		RestSince:      restSince(s),
		Starts:         w.starts,
		Outdated:       w.rollOut,
	}
	o.Starts.Barred = w.memory.barred
	o.IdleAfter, o.BusyUntil = w.memory.said(s.Demand())
	if status.Pod != nil {
		o.PodUID, o.AwakeSince = string(status.Pod.UID), microTime(status.Pod.Since)
	}
	if d := status.Drain; d != nil {
		o.Forced, o.Deadline = d.Forced, microTime(d.Deadline)
	}
	if f := status.Failures; f != nil {
		o.Failures, o.FailingSince, o.RetryAt = int(f.Count), microTime(f.Since), microTime(f.RetryAt)
	}
	return o
}

// observeTemplate says what a template says, or, of one that is gone, what its pod says that it was.
func observeTemplate(t *v1alpha1.SessionTemplate, pod *corev1.Pod) lifecycle.Template {
	o := lifecycle.Template{
		Found: t != nil, IdleAfter: lifecycle.DefaultIdleAfter, WakeTimeout: lifecycle.DefaultWakeTimeout,
		Restart: lifecycle.Restart{Policy: lifecycle.Transient, Max: lifecycle.DefaultRestarts, Within: lifecycle.DefaultWithin},
	}
	if t == nil {
		o.Task = pod != nil && pod.Annotations[v1alpha1.AnnotationMode] == string(v1alpha1.ModeTask)
		return o
	}
	o.IdleAfter = duration(t.Spec.Idle.After, o.IdleAfter)
	if t.Spec.Save != nil {
		o.SaveAfter = duration(t.Spec.Save.After, 0)
	}
	o.WakeTimeout = duration(t.Spec.Wake.Timeout, o.WakeTimeout)
	o.Task = t.Spec.Mode == v1alpha1.ModeTask
	o.Lifetime = lifecycle.Lifetime{Awake: duration(t.Spec.Lifetime.Awake, 0), Asleep: duration(t.Spec.Lifetime.Asleep, 0)}
	if r := t.Spec.Restart; r.Policy != "" {
		o.Restart.Policy = lifecycle.Policy(r.Policy)
		o.Restart.Max = int(ptr.Deref(r.Max, lifecycle.DefaultRestarts))
		o.Restart.Within = duration(r.Within, o.Restart.Within)
	}
	for _, rule := range t.Spec.Outcomes {
		o.Outcomes = append(o.Outcomes, lifecycle.Outcome{
			Codes: rule.ExitCodes, Reasons: rule.Reasons, Then: lifecycle.Then(rule.Then), After: duration(rule.After, 0),
		})
	}
	return o
}

// restSince is when the last pod of a session ended, or when the session was made.
func restSince(s *v1alpha1.Session) time.Time {
	if last := s.Status.LastExit; last != nil {
		return last.Time.Time
	}
	return s.CreationTimestamp.Time
}

func observePod(w *world) *lifecycle.Pod {
	epoch, _ := podspec.Epoch(w.pod)
	o := &lifecycle.Pod{
		UID:      string(w.pod.UID),
		Epoch:    epoch,
		Mine:     metav1.IsControlledBy(w.pod, w.session),
		Since:    w.memory.pod.since,
		Address:  hasAddress(w.pod),
		Small:    podspec.IsSmall(w.pod),
		Trouble:  troubleOf(w.pod),
		Deleting: w.pod.DeletionTimestamp != nil,
		Ended:    hasEnded(w.pod, w.nodeGone),
		EndedAt:  w.memory.end.since,
		Finished: w.pod.DeletionTimestamp != nil && *w.pod.DeletionGracePeriodSeconds == 0,
	}
	o.Stuck = stuck(w, o.Small)
	_, o.SaveTime, o.Saves = podspec.SaveOf(w.pod)
	if o.Deleting {
		o.OverdueAt = w.memory.overdue(w.pod)
	}
	if o.Ended {
		e := exitOf(w.pod)
		o.Exit, o.Why, o.Coded, o.Code = e.kind, e.reason, e.code != nil, ptr.Deref(e.code, 0)
	}
	return o
}

func hasAddress(pod *corev1.Pod) bool {
	_, ok := podspec.PortOf(pod)
	return ok && pod.Status.PodIP != ""
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
