package session

import (
	"fmt"
	"strings"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
	"github.com/dormouse-dev/dormouse/internal/podspec"
)

// notIdle are the words for why a session is not put to sleep.
var notIdle = map[lifecycle.Kept]string{
	lifecycle.KeptNeeded:    v1alpha1.NotIdleNeeded,
	lifecycle.KeptTold:      v1alpha1.NotIdleTold,
	lifecycle.KeptBusy:      v1alpha1.NotIdleBusy,
	lifecycle.KeptTask:      v1alpha1.NotIdleTask,
	lifecycle.KeptPermanent: v1alpha1.NotIdlePermanent,
}

// say writes what the session waits for, and why it is not put to sleep.
func say(status *v1alpha1.SessionStatus, w *world, step lifecycle.Step) {
	status.NotIdleBecause = notIdle[step.Kept]
	what, detail := awaited(w, step, status)
	same := status.Phase == w.session.Status.Phase && string(step.Reason) == w.session.ReadyReason()
	if said := status.WaitingFor; same && what != "" && (said == short(what) || strings.HasPrefix(said, what+": ")) {
		return // the detail is as it was when the wait began: its counts move, and no move of theirs is worth a write
	}
	if detail != "" {
		what += ": " + detail
	}
	status.WaitingFor = short(what)
}

// short is what fits into a status field for a person, on one line.
func short(words string) string {
	const most = 256 // bytes, as the API says
	return cut(strings.Join(strings.Fields(words), " "), most)
}

// awaited is what is waited for, by its name, and what is known of it besides. Only another name is news.
func awaited(w *world, step lifecycle.Step, next *v1alpha1.SessionStatus) (what, detail string) {
	pod := "pod " + w.session.Name
	switch step.Awaits {
	case lifecycle.AwaitPlace:
		return "a place under " + step.Limit, ""
	case lifecycle.AwaitAddress:
		return address(w, step, pod)
	case lifecycle.AwaitEnd:
		return pod + " to end", ""
	case lifecycle.AwaitNode:
		return fmt.Sprintf("node %s to say that %s has ended", w.pod.Spec.NodeName, pod), ""
	case lifecycle.AwaitTemplate:
		return fmt.Sprintf("SessionTemplate %s, which says what follows from the end of %s", w.session.Spec.Template, pod), ""
	case lifecycle.AwaitRetry:
		return "the end of its back-off, see status.failures.retryAt, and of the pod that failed", ""
	case lifecycle.AwaitTime:
		return "the time at which it starts again, see status.failures.retryAt", ""
	case lifecycle.AwaitOthers:
		return following(others(w, next)), ""
	}
	return drains(w, step)
}

// address is the wait for the pod, and the known trouble with it.
func address(w *world, step lifecycle.Step, pod string) (what, detail string) {
	what = pod + " to get an address"
	if step.Verb != lifecycle.Wait || w.pod == nil {
		return what, ""
	}
	trouble, words := explainTrouble(w.pod)
	if trouble.Reason == "" || trouble.Reason != step.Reason {
		return what, ""
	}
	return what + ": " + string(trouble.Reason), words
}

// drains is what a drain waits for.
func drains(w *world, step lifecycle.Step) (what, detail string) {
	save := fmt.Sprintf("the save of epoch %d", w.session.Status.Epoch)
	switch step.Awaits {
	case lifecycle.AwaitRequests:
		return "requests in flight to end" + andSave(w, save), ""
	case lifecycle.AwaitGateways:
		gateway := "every gateway"
		if w.lagging != "" {
			gateway = "gateway " + w.lagging
		}
		return fmt.Sprintf("%s to pass version %s", gateway, w.memory.unpublished), ""
	case lifecycle.AwaitSave:
		if w.saved.Err == nil {
			return save, ""
		}
		return save + ", which failed", w.saved.Err.Error()
	}
	return "", ""
}

func andSave(w *world, save string) string {
	if w.pod == nil {
		return ""
	}
	if _, _, saves := podspec.SaveOf(w.pod); !saves {
		return ""
	}
	return ", and " + save
}

// others are the sessions that are waited for: those that follow from the session; or, if it is deleted, its last ones.
func others(w *world, next *v1alpha1.SessionStatus) []v1alpha1.StartedSession {
	if w.session.DeletionTimestamp != nil {
		return w.started
	}
	return next.Started
}

// following is the first of those that follow that has not come to its end.
func following(started []v1alpha1.StartedSession) string {
	for _, s := range started {
		if s.State == v1alpha1.StartedWaiting || s.State == v1alpha1.StartedRuns {
			return s.Name + ", which follows from it"
		}
	}
	return ""
}
