package v1alpha1

import (
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestTouched(t *testing.T) {
	at := func(us int64) *Activity {
		return &Activity{Time: metav1.NewMicroTime(time.UnixMicro(us)), Source: SourceRequest}
	}
	by := func(a *Activity, who string) *Activity { a.By = who; return a }
	idle := func(a *Activity, d time.Duration) *Activity { a.IdleAfter = &metav1.Duration{Duration: d}; return a }
	busy := func(a *Activity, d time.Duration) *Activity { a.Busy = &metav1.Duration{Duration: d}; return a }
	made := map[string]string{AnnotationWantedSince: "1970-01-01T00:00:00.000005Z"}
	for _, c := range []struct {
		name        string
		annotations map[string]string
		activity    *Activity
		drain       *Drain
		want        bool
	}{
		{"nobody wanted it", nil, nil, nil, false},
		{"made by a gateway", made, nil, nil, true},
		{"made by a gateway, asleep since", made, nil, &Drain{Activity: at(5)}, false},
		{"touched since it was made", made, at(6), &Drain{Activity: at(5)}, true},
		{"touched", nil, at(6), nil, true},
		{"asleep", nil, at(6), &Drain{Activity: at(6)}, false},
		{"touched in its sleep", nil, at(7), &Drain{Activity: at(6)}, true},
		{"touched by another in the same microsecond", nil, by(at(6), "b"), &Drain{Activity: by(at(6), "a")}, true},
		{"told of another idle time in the same microsecond", nil, idle(at(6), 0), &Drain{Activity: at(6)}, true},
		{"told of another lease in the same microsecond", nil, busy(at(6), 2), &Drain{Activity: busy(at(6), 1)}, true},
		{"asleep, by what the workload said", nil, busy(idle(at(6), 0), 1), &Drain{Activity: busy(idle(at(6), 0), 1)}, false},
		{"asleep without ever being wanted", nil, nil, &Drain{}, false},
		{"an annotation that is no time", map[string]string{AnnotationWantedSince: "soon"}, nil, nil, false},
	} {
		s := &Session{ObjectMeta: metav1.ObjectMeta{Annotations: c.annotations}, Status: SessionStatus{Activity: c.activity, Drain: c.drain}}
		if got := s.Touched(); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
