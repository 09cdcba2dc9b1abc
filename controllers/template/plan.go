package template

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const (
	// countEvery bounds how often the sessions of one template are listed, and so how often its status is written.
	countEvery = 10 * time.Second
	// settle is how long after the first news the sessions are counted. News is mostly a wake, and its request is still on its way then:
	// the write, and all who read a template because of it, would take the processors from it.
	settle = time.Second
	// A rejected pod is tried again after as long as the template has been rejected for, within these bounds.
	minRetry = time.Second
	maxRetry = 5 * time.Minute
)

// due says what to look at again.
type due struct {
	judge bool
	count bool
}

func plan(t *v1alpha1.SessionTemplate, p past, now time.Time) due {
	at, again := nextTrial(t, p)
	return due{
		judge: !judged(t) || (again && !now.Before(at)),
		count: !now.Before(p.countAt(now)),
	}
}

// recheck is how long from now plan will have something to do without anything happening; zero: never.
func recheck(t *v1alpha1.SessionTemplate, p past, done due, now time.Time) time.Duration {
	var wait time.Duration
	if at, again := nextTrial(t, p); again {
		wait = at.Sub(now)
	}
	// Something has happened, perhaps to a session.
	if end := p.countAt(now).Sub(now); !done.count && (wait == 0 || end < wait) {
		wait = end
	}
	return wait
}

// countAt is when to count for news of which the first came before, or comes now. A template that was never counted is counted at once.
func (p past) countAt(now time.Time) time.Time {
	if p.counted.IsZero() {
		return now
	}
	news := p.news
	if news.IsZero() {
		news = now
	}
	if at := news.Add(settle); at.After(p.counted.Add(countEvery)) {
		return at
	}
	return p.counted.Add(countEvery)
}

// judged says whether the conditions speak of this generation.
func judged(t *v1alpha1.SessionTemplate) bool {
	accepted := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionAccepted)
	return accepted != nil && accepted.ObservedGeneration == t.Generation
}

// nextTrial is when the pod of a rejected template is tried again; false: not before the template changes.
func nextTrial(t *v1alpha1.SessionTemplate, p past) (time.Time, bool) {
	accepted := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionAccepted)
	if accepted == nil || accepted.Reason != v1alpha1.ReasonInvalidPod || p.final {
		return time.Time{}, false
	}
	age := p.judged.Sub(accepted.LastTransitionTime.Time)
	return p.judged.Add(min(max(age, minRetry), maxRetry)), true
}
