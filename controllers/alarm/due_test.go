package alarm

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

type option func(*v1alpha1.Session)

func alarms(times ...v1alpha1.Alarm) option {
	return func(s *v1alpha1.Session) { s.Spec.Alarms = times }
}

func scheduled(cron, zone string) option {
	return func(s *v1alpha1.Session) { s.Spec.Schedule, s.Spec.TimeZone = cron, zone }
}

func skipping(s *v1alpha1.Session) { s.Spec.Missed = v1alpha1.MissedSkip }

func lastAlarm(when time.Time) option {
	return func(s *v1alpha1.Session) { s.Status.LastAlarm = ptr.To(metav1.NewTime(when)) }
}

// since is a schedule that was set later than the session was made.
func since(when time.Time) option {
	return func(s *v1alpha1.Session) {
		s.Generation = 2
		s.Status.Schedule = &v1alpha1.ObservedSchedule{Cron: s.Spec.Schedule, TimeZone: s.Spec.TimeZone, Since: metav1.NewTime(when)}
	}
}

// made is a session that was made at noon.
func made(t testing.TB, options ...option) *v1alpha1.Session {
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Generation: 1, CreationTimestamp: metav1.NewTime(at(t, "2026-01-02T12:00:00Z"))}}
	for _, o := range options {
		o(s)
	}
	return s
}

func TestPlan(t *testing.T) {
	hour := func(hour string) time.Time { return at(t, "2026-01-02T"+hour+"Z") }
	for _, c := range []struct {
		name    string
		session *v1alpha1.Session
		now     string
		due     string
		source  v1alpha1.ActivitySource
		next    string
	}{
		{"no times", made(t), "13:00:00", "", "", ""},
		{"an alarm to come", made(t, alarms("2026-01-02T13:00:00Z")), "12:59:59", "", "", "13:00:00"},
		{"an alarm, to the second", made(t, alarms("2026-01-02T13:00:00Z")), "13:00:00", "13:00:00", "alarm", ""},
		{"an alarm that was acted on", made(t, alarms("2026-01-02T13:00:00Z"), lastAlarm(hour("13:00:00"))), "13:00:01", "", "", ""},
		{"an alarm from before the session was made", made(t, alarms("2026-01-02T12:00:00Z")), "12:00:01", "", "", ""},
		{"an alarm in another zone", made(t, alarms("2026-01-02T15:00:00+02:00")), "12:59:00", "", "", "13:00:00"},
		{
			"many alarms that came are one, the latest", made(t, alarms("2026-01-02T13:00:00Z", "2026-01-02T15:00:00Z", "2026-01-02T14:00:00Z", "2026-01-02T17:00:00Z", "2026-01-02T16:30:00Z")),
			"16:00:00", "15:00:00", "alarm", "16:30:00",
		},
		{"a schedule to come", made(t, scheduled("0 13 * * *", "")), "12:59:59", "", "", "13:00:00"},
		{"a schedule", made(t, scheduled("0 * * * *", "")), "13:00:00", "13:00:00", "schedule", "14:00:00"},
		{"a schedule in its zone", made(t, scheduled("0 15 * * *", "Africa/Johannesburg")), "13:00:00", "13:00:00", "schedule", "+"},
		{"many times of a schedule are one, the latest", made(t, scheduled("*/15 * * * *", "")), "16:05:00", "16:00:00", "schedule", "16:15:00"},
		{"a schedule that was acted on", made(t, scheduled("0 * * * *", ""), lastAlarm(hour("13:00:00"))), "13:59:59", "", "", "14:00:00"},
		{"a schedule that was acted on by a clock that is ahead", made(t, scheduled("0 * * * *", ""), lastAlarm(hour("14:00:00"))), "13:59:59", "", "", "15:00:00"},
		{"a schedule that was set later", made(t, scheduled("0 * * * *", ""), since(hour("14:30:00"))), "14:31:00", "", "", "15:00:00"},
		{"alarm and schedule", made(t, scheduled("0 * * * *", ""), alarms("2026-01-02T13:20:00Z")), "13:30:00", "13:20:00", "alarm", "14:00:00"},
		{"alarm, then schedule", made(t, scheduled("0 * * * *", ""), alarms("2026-01-02T13:20:00Z", "2026-01-02T14:20:00Z")), "14:00:00", "14:00:00", "schedule", "14:20:00"},
		{"a missed alarm", made(t, alarms("2026-01-02T13:00:00Z")), "23:00:00", "13:00:00", "alarm", ""},
		{"a missed alarm that is skipped", made(t, alarms("2026-01-02T13:00:00Z"), skipping), "13:01:01", "", "", ""},
		{"a late alarm that is not yet missed", made(t, alarms("2026-01-02T13:00:00Z"), skipping), "13:01:00", "13:00:00", "alarm", ""},
		{"a missed schedule that is skipped", made(t, scheduled("0 * * * *", ""), skipping), "15:30:00", "", "", "16:00:00"},
		{"nothing came that could be skipped", made(t, skipping), "15:30:00", "", "", ""},
		{"a text that is no time", made(t, alarms("soon")), "15:30:00", "", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := planned(t, c.session, hour(c.now))
			check := func(what string, got time.Time, want string) {
				switch {
				case want == "+": // some day
				case want == "" && !got.IsZero(), want != "" && !got.Equal(hour(want)):
					t.Errorf("%s %v, want %q", what, got, want)
				}
			}
			check("due", p.due, c.due)
			check("next", p.next, c.next)
			if p.source != c.source {
				t.Errorf("source %q, want %q", p.source, c.source)
			}
		})
	}
}

type fatal interface{ Fatalf(string, ...any) }

func planned(t fatal, s *v1alpha1.Session, now time.Time) plan {
	next, by, err := observe(s, now)
	if err != nil {
		t.Fatalf("%v", err)
	}
	return planFor(next, by, now)
}

// sessions have alarms and a schedule, and may have been woken before.
func sessions(t *rapid.T) *v1alpha1.Session {
	s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{Generation: 1, CreationTimestamp: metav1.NewTime(instants.Draw(t, "created").Truncate(time.Second))}}
	for range rapid.IntRange(0, 5).Draw(t, "alarms") {
		s.Spec.Alarms = append(s.Spec.Alarms, v1alpha1.Alarm(instants.Draw(t, "alarm").Format(time.RFC3339)))
	}
	if rapid.Bool().Draw(t, "has a schedule") {
		scheduled(crons.Draw(t, "cron"), zones.Draw(t, "zone"))(s)
	}
	if rapid.Bool().Draw(t, "has been woken") {
		lastAlarm(instants.Draw(t, "last").Truncate(time.Second))(s)
	}
	if rapid.Bool().Draw(t, "skip") {
		skipping(s)
	}
	return s
}

// acted is the session after what is due was acted on.
func acted(s *v1alpha1.Session, p plan, now time.Time) *v1alpha1.Session {
	next := s.DeepCopy()
	ring(&next.Status, p, now)
	return next
}

// TestLawWhatWasActedOnIsOver: a time is due once; asked again at once, a late former leader's answer included, there is nothing.
func TestLawWhatWasActedOnIsOver(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := sessions(t), instants.Draw(t, "now")
		p := planned(t, s, now)
		after := acted(s, p, now)
		if again := planned(t, after, now); !again.due.IsZero() || !again.next.Equal(p.next) {
			t.Fatalf("%+v was acted on, and then %+v", p, again)
		}
		earlier := now.Add(-time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "behind")))
		if again := planned(t, after, earlier); !p.due.IsZero() && !again.due.IsZero() {
			t.Fatalf("%+v was acted on, and by a clock that is behind %+v", p, again)
		}
	})
}

// TestLawNextIsExact: nothing is due a nanosecond before the next time, and it is at it; where there is none, not ever.
func TestLawNextIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, now := sessions(t), instants.Draw(t, "now")
		p := planned(t, s, now)
		s = acted(s, p, now)
		if p.next.IsZero() {
			if late := planned(t, s, now.AddDate(20, 0, 0)); !late.due.IsZero() {
				t.Fatalf("nobody comes back for %v", late.due)
			}
			return
		}
		if early := planned(t, s, p.next.Add(-1)); !early.due.IsZero() {
			t.Fatalf("%v is due before %v", early.due, p.next)
		}
		if there := planned(t, s, p.next); !there.due.Equal(p.next) {
			t.Fatalf("at %v, %v is due", p.next, there.due)
		}
	})
}

// TestLawATouchIsAlwaysNew: no touch is the same demand as one before it, or earlier.
func TestLawATouchIsAlwaysNew(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		before, now := instants.Draw(t, "before").Truncate(time.Microsecond), instants.Draw(t, "now")
		status := v1alpha1.SessionStatus{Activity: &v1alpha1.Activity{Time: metav1.NewMicroTime(before), Source: v1alpha1.SourceAlarm, By: v1alpha1.ByOperator}}
		ring(&status, plan{due: now, source: v1alpha1.SourceAlarm}, now)
		if !status.Activity.Time.After(before) || status.Activity.Time.Nanosecond()%1000 != 0 {
			t.Fatalf("a touch at %v after one at %v is of %v", now, before, status.Activity.Time)
		}
	})
}
