package template

import (
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// maxNote is how many bytes of words the API server takes in an event.
const maxNote = 1024

// observation is what was looked at; a pointer that is nil: it was not.
type observation struct {
	verdict *verdict
	counts  *v1alpha1.SessionCounts
	taken   []v1alpha1.TakenRoute
}

// report returns the template with the status that follows from the observation.
func report(t *v1alpha1.SessionTemplate, seen observation, now time.Time) *v1alpha1.SessionTemplate {
	next := t.DeepCopy()
	reportTaken(next, seen.taken, now)
	if seen.counts != nil {
		next.Status.Sessions = *seen.counts
	}
	if seen.verdict == nil {
		return next
	}
	next.Status.ObservedGeneration = t.Generation
	ready := v1alpha1.ReasonNotAccepted
	if seen.verdict.reason == v1alpha1.ReasonAccepted {
		ready = v1alpha1.ReasonReady
	}
	setCondition(next, v1alpha1.ConditionAccepted, seen.verdict.reason, v1alpha1.ReasonAccepted, now)
	setCondition(next, v1alpha1.ConditionReady, ready, v1alpha1.ReasonReady, now)
	return next
}

// setCondition makes the condition True if the reason is the good one.
func setCondition(t *v1alpha1.SessionTemplate, kind, reason, good string, now time.Time) {
	status := metav1.ConditionFalse
	if reason == good {
		status = metav1.ConditionTrue
	}
	meta.SetStatusCondition(&t.Status.Conditions, metav1.Condition{
		Type:               kind,
		Status:             status,
		Reason:             reason,
		Message:            v1alpha1.Messages[reason],
		ObservedGeneration: t.Generation,
		LastTransitionTime: metav1.NewTime(now),
	})
}

// action names what was done, apart for different words: events of one action are counted as one for six minutes, and
// the words of the first stay.
func action(words string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(words))
	return fmt.Sprintf("Judge-%08x", h.Sum32())
}

func note(words string) string {
	if len(words) <= maxNote {
		return words
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(words[:maxNote-len(ellipsis)], "") + ellipsis
}
