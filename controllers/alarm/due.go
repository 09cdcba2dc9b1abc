package alarm

import (
	"time"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// patience is how late a time may be acted on before it counts as missed: longer than another replica needs to lead, and no
// longer than the minute that is cron's unit.
const patience = time.Minute

// plan is what the clock asks for a session.
type plan struct {
	due    time.Time               // the latest time that came and was not acted on; zero: there is none
	source v1alpha1.ActivitySource // of the due time
	next   time.Time               // the first time that is yet to come; zero: never
}

// planFor looks at the alarms of a session, and at its schedule, which is nil if it has none that can be followed. Many times that
// came since the last are due as one.
func planFor(s *v1alpha1.Session, by *schedule, now time.Time) plan {
	var p plan
	base := s.CreationTimestamp.Time
	if last := s.Status.LastAlarm; last != nil {
		base = last.Time
	}
	for _, alarm := range s.Spec.Alarms {
		if at := alarm.Time(); at.After(base) {
			p.add(at, v1alpha1.SourceAlarm, now)
		}
	}
	if observed := s.Status.Schedule; by != nil && observed != nil {
		base = later(base, observed.Since.Time)
		p.add(by.last(base, now), v1alpha1.SourceSchedule, now)
		p.add(by.next(later(base, now)), v1alpha1.SourceSchedule, now)
	}
	if s.Spec.Missed == v1alpha1.MissedSkip && now.Sub(p.due) > patience {
		p.due, p.source = time.Time{}, ""
	}
	return p
}

// add takes a time into the plan; zero is none.
func (p *plan) add(at time.Time, source v1alpha1.ActivitySource, now time.Time) {
	switch {
	case at.IsZero():
	case at.After(now):
		if p.next.IsZero() || at.Before(p.next) {
			p.next = at
		}
	case at.After(p.due):
		p.due, p.source = at, source
	}
}

// last is the latest time after base and not after now; zero: there is none. It halves what lies between, so that a minute's
// schedule that nobody looked at for a year costs no more than another.
func (s *schedule) last(base, now time.Time) time.Time {
	var latest time.Time
	for from := now; ; {
		next := s.next(base)
		if next.IsZero() || next.After(now) {
			return latest
		}
		latest, base = next, next
		middle := base.Add(from.Sub(base) / 2)
		if next := s.next(middle); next.IsZero() || next.After(now) {
			from = middle
			continue
		}
		base = middle
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
