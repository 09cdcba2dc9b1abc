package session

import (
	"time"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// same says whether there is nothing to write.
func same(a, b *v1alpha1.Session) bool { return equality.Semantic.DeepEqual(a.Status, b.Status) }

// report is the session with the status that a step asks for. It never touches activity, which is not the operator's.
func report(w *world, step lifecycle.Step) *v1alpha1.Session {
	next := w.session.DeepCopy()
	status := &next.Status
	status.Phase, status.Limit = v1alpha1.SessionPhase(step.Phase), step.Limit
	switch step.Verb {
	case lifecycle.Publish:
		publish(status, w)
	case lifecycle.Unpublish:
		status.Endpoint = nil
		status.Drain = &v1alpha1.Drain{Activity: w.session.Demand(), Forced: step.Forced, Deadline: microTimeOf(step.Deadline)}
	case lifecycle.Settle:
		status.Drain = &v1alpha1.Drain{Activity: w.session.Demand()}
	case lifecycle.Record, lifecycle.Fail:
		end(status, w, step)
	case lifecycle.Follow:
		follow(status, w)
	}
	setReady(next, step.Reason, w.now)
	say(status, w, step)
	return next
}

func publish(status *v1alpha1.SessionStatus, w *world) {
	port, _ := podspec.PortOf(w.pod)
	status.Epoch, _ = podspec.Epoch(w.pod)
	status.Endpoint = &v1alpha1.Endpoint{UID: w.pod.UID, Address: w.pod.Status.PodIP, Port: port, Protocol: podspec.ProtocolOf(w.pod)}
	since := microTimeOf(w.now)
	if status.Pod != nil && status.Pod.UID == w.pod.UID {
		since = status.Pod.Since
	}
	status.Pod = &v1alpha1.PodReference{Name: w.pod.Name, UID: w.pod.UID, Node: w.pod.Spec.NodeName, Since: since}
	status.Drain = nil
	_, status.TemplateGeneration = podspec.RevisionOf(w.pod)
	remember(status, w.pod, true)
}

// end writes how the pod ended, or why it never began, and that its epoch is spent.
func end(status *v1alpha1.SessionStatus, w *world, step lifecycle.Step) {
	status.Endpoint, status.Pod = nil, nil
	if w.pod != nil {
		epoch, _ := podspec.Epoch(w.pod)
		status.Epoch = max(status.Epoch, epoch)
		remember(status, w.pod, false)
	}
	if step.Settle {
		status.Drain = &v1alpha1.Drain{Activity: w.session.Demand()}
	}
	status.Failures = nil
	if step.Failures > 0 || !step.RetryAt.IsZero() {
		status.Failures = &v1alpha1.Failures{
			Count: int32(min(max(step.Failures, 0), 1<<30)), Since: microTimeOf(step.Since), RetryAt: microTimeOf(step.RetryAt),
		}
	}
	if step.Outcome > 0 {
		status.Started = startedBy(w, w.template.Spec.Outcomes[step.Outcome-1].Start)
	}
	status.LastExit = lastExit(w, step, status.Epoch)
	if status.LastExit.Reason != slept {
		status.History = history(status.LastExit, status.History)
	}
}

// follow writes how far those are that follow from the session, or its last ones.
func follow(status *v1alpha1.SessionStatus, w *world) {
	if w.session.DeletionTimestamp != nil {
		status.OnDelete = w.started
		return
	}
	status.Started = w.started
}

// slept is why a pod ended that was asked to stop, in the course of its session's life.
const slept = "Slept"

// history is how the last pods ended, with one more, and with few words of each. Sleeps are left out: they would push out what somebody
// looks for, and a session that wakes and sleeps all day would carry them through every write of its way.
func history(last *v1alpha1.Exit, before []v1alpha1.Exit) []v1alpha1.Exit {
	const ends, words = 10, 256
	short := *last.DeepCopy()
	short.Message = cut(short.Message, words)
	all := append([]v1alpha1.Exit{short}, before...)
	return all[:min(len(all), ends)]
}

func lastExit(w *world, step lifecycle.Step, epoch int64) *v1alpha1.Exit {
	last := &v1alpha1.Exit{Epoch: epoch, Reason: string(step.Reason), Time: metav1.NewTime(w.now)}
	switch {
	case step.Verb == lifecycle.Record && w.pod == nil:
		last.Reason, last.Message = "Vanished", "The pod was removed without our finalizer being respected; how it ended is not known."
		last.Evidence = "None"
	case step.Verb == lifecycle.Record:
		e := exitOf(w.pod)
		last.Reason, last.Code, last.Message = e.reason, e.code, e.message
		last.Signal, last.StartTime, last.EndTime = e.signal, e.start, e.end
		last.Evidence = evidence(w.pod, w.nodeGone)
		if w.session.Status.Phase == v1alpha1.PhaseStopping && e.reason == deleted {
			last.Reason = slept
		}
	case w.memory.refused != nil:
		last.Message = w.memory.refused.message
	case w.pod != nil:
		_, last.Message = explainTrouble(w.pod)
	}
	last.Message = cut(last.Message, 1024)
	return last
}

// cut shortens s to at most n bytes, at a rune's end.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// setReady reports the one condition. Its message is constant for a reason, so that it cannot flap.
func setReady(s *v1alpha1.Session, reason lifecycle.Reason, now time.Time) {
	if reason == "" {
		return
	}
	ready := metav1.ConditionFalse
	if reason == lifecycle.ReasonServing || reason == lifecycle.ReasonHibernated {
		ready = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&s.Status.Conditions, metav1.Condition{
		Type: v1alpha1.ConditionReady, Status: ready, Reason: string(reason), Message: v1alpha1.Messages[string(reason)],
		ObservedGeneration: s.Generation, LastTransitionTime: metav1.NewTime(now),
	})
}

func microTimeOf(t time.Time) *metav1.MicroTime {
	if t.IsZero() {
		return nil
	}
	return ptr.To(metav1.NewMicroTime(t))
}
