package cluster

import (
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/directory"
)

var (
	noon         = metav1.NewMicroTime(time.Date(2026, 1, 2, 12, 0, 0, 1000, time.UTC))
	touch        = &v1alpha1.Activity{Time: noon, Source: v1alpha1.SourceRequest, By: "gw-1"}
	limitReached = []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonLimitReached}}

	made = map[string]string{v1alpha1.AnnotationWantedSince: noon.Format(metav1.RFC3339Micro)}
)

func TestViewOf(t *testing.T) {
	for name, c := range map[string]struct {
		annotations map[string]string
		status      v1alpha1.SessionStatus
		want        directory.View
	}{
		"nobody has wanted it": {want: directory.View{State: directory.Absent}},
		"asleep and touched": {
			status: v1alpha1.SessionStatus{Phase: v1alpha1.PhaseAsleep, Activity: touch},
			want:   directory.View{State: directory.Absent, Activity: noon.Time},
		},
		"awake": {
			status: v1alpha1.SessionStatus{Phase: v1alpha1.PhaseAwake, Epoch: 3, Endpoint: &v1alpha1.Endpoint{UID: "p", Address: "10.0.0.1", Port: 80, Protocol: v1alpha1.ProtocolH2C}},
			want:   directory.View{State: directory.Reachable, Epoch: 3, Pod: directory.Pod{UID: "p", Address: "10.0.0.1", Port: 80, H2C: true}},
		},
		"waking": {
			annotations: made,
			status:      v1alpha1.SessionStatus{Phase: v1alpha1.PhaseWaking},
			want:        directory.View{State: directory.Unreachable, Activity: noon.Time},
		},
		"waking, and it is known what for": {
			status: v1alpha1.SessionStatus{
				Phase: v1alpha1.PhaseWaking, Words: v1alpha1.Words{WaitingFor: "pod a to get an address"},
				Conditions: []metav1.Condition{{Type: v1alpha1.ConditionReady, Reason: v1alpha1.ReasonUnschedulable}},
			},
			want: directory.View{State: directory.Unreachable, Delay: directory.Delay{Reason: "Unschedulable", For: "pod a to get an address"}},
		},
		"draining": {
			status: v1alpha1.SessionStatus{Phase: v1alpha1.PhaseDraining, Activity: touch, Drain: &v1alpha1.Drain{Activity: touch}},
			want:   directory.View{State: directory.Unreachable, Unwanted: true, Activity: noon.Time},
		},
		"draining, by the wish that made it": {
			annotations: made,
			status: v1alpha1.SessionStatus{Phase: v1alpha1.PhaseDraining, Drain: &v1alpha1.Drain{
				Activity: &v1alpha1.Activity{Time: noon, Source: v1alpha1.SourceRequest},
			}},
			want: directory.View{State: directory.Unreachable, Unwanted: true, Activity: noon.Time},
		},
		"draining and touched": {
			status: v1alpha1.SessionStatus{Phase: v1alpha1.PhaseDraining, Activity: touch, Drain: &v1alpha1.Drain{}},
			want:   directory.View{State: directory.Unreachable, Activity: noon.Time},
		},
		"in a forced drain": {
			status: v1alpha1.SessionStatus{Phase: v1alpha1.PhaseDraining, Drain: &v1alpha1.Drain{Forced: true, Deadline: &noon}},
			want:   directory.View{State: directory.Unreachable, Unwanted: true, Forced: true, Deadline: noon.Time},
		},
		"failed": {
			status: v1alpha1.SessionStatus{
				Phase:    v1alpha1.PhaseFailed,
				LastExit: &v1alpha1.Exit{Reason: "OOMKilled", Code: ptr.To[int32](137)},
				Failures: &v1alpha1.Failures{RetryAt: &noon},
			},
			want: directory.View{State: directory.Failed, Failure: directory.Failure{Reason: "OOMKilled", Message: "exit code 137", RetryAt: noon.Time}},
		},
		"refused for a limit": {
			status: v1alpha1.SessionStatus{
				Phase: v1alpha1.PhaseQueued, Limit: "limits.awake", Activity: touch, Drain: &v1alpha1.Drain{Activity: touch}, Conditions: limitReached,
			},
			want: directory.View{State: directory.Failed, Unwanted: true, Activity: noon.Time, Failure: directory.Failure{
				Reason: "LimitReached", Limit: "limits.awake", Message: "The template has as many sessions awake as limits.awake allows.",
			}},
		},
		"refused for a limit, and touched since": {
			status: v1alpha1.SessionStatus{
				Phase: v1alpha1.PhaseQueued, Limit: "limits.awake", Activity: touch, Drain: &v1alpha1.Drain{}, Conditions: limitReached,
			},
			want: directory.View{State: directory.Unreachable, Queued: "limits.awake", Activity: noon.Time, Delay: directory.Delay{Reason: "LimitReached"}},
		},
		"waits for a limit": {
			status: v1alpha1.SessionStatus{Phase: v1alpha1.PhaseQueued, Limit: "limits.awake", Activity: touch},
			want:   directory.View{State: directory.Unreachable, Queued: "limits.awake", Activity: noon.Time},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &v1alpha1.Session{ObjectMeta: metav1.ObjectMeta{UID: "s", Annotations: c.annotations}, Status: c.status}
			c.want.Version, c.want.UID, c.want.Counts = 7, "s", true
			got := viewOf(s, 7, Rules{CountConnections: true})
			if !got.Activity.Equal(c.want.Activity) {
				t.Errorf("activity %v, want %v", got.Activity, c.want.Activity)
			}
			if got.Activity = c.want.Activity; got != c.want {
				t.Errorf("got  %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestTouchesNeverMoveBack(t *testing.T) {
	now := noon.Time
	w := &toucher{now: func() time.Time { return now }}
	first, second := w.next(time.Time{}), w.next(time.Time{})
	if !second.After(first.Time) {
		t.Errorf("%v after %v", second, first)
	}
	seen := now.Add(time.Hour)
	if ahead := w.next(seen); !ahead.Time.Equal(seen.Add(time.Microsecond)) {
		t.Errorf("%v, after one of another gateway at %v", ahead, seen)
	}
}

func TestFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d directory.Directory
		f := &freshness{limit: 30 * time.Second, now: time.Now, change: d.SetStale}
		f.renewedAt(time.Now())
		time.Sleep(29 * time.Second)
		if d.Stale() {
			t.Error("stale before its time")
		}
		f.renewedAt(time.Now().Add(-5 * time.Second)) // it took so long
		time.Sleep(25*time.Second + time.Millisecond)
		if !d.Stale() {
			t.Error("not stale, 30 s after the last renewal began")
		}
		f.renewedAt(time.Now())
		if d.Stale() {
			t.Error("stale with a Lease that is fresh")
		}
		f.reached(false)
		f.renewedAt(time.Now())
		if !d.Stale() {
			t.Error("not stale, with a watch that is silent and a list that failed")
		}
		f.reached(true)
		if d.Stale() {
			t.Error("stale after a list")
		}
		f.late.Stop()
	})
}
