package template

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var begin = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// TestLawRecheckIsExact: there is nothing to do before the recheck, and something at it; where there is none, not ever,
// unless something happens.
func TestLawRecheckIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := begin.Add(24 * time.Hour)
		ago := rapid.Custom(func(t *rapid.T) time.Time {
			return now.Add(-time.Duration(rapid.Int64Range(0, int64(20*time.Minute)).Draw(t, "ago")))
		})
		reason := rapid.SampledFrom([]string{v1alpha1.ReasonAccepted, v1alpha1.ReasonInvalidPod, v1alpha1.ReasonInvalidPort})
		template := &v1alpha1.SessionTemplate{}
		setCondition(template, v1alpha1.ConditionAccepted, reason.Draw(t, "reason"), v1alpha1.ReasonAccepted, ago.Draw(t, "since"))
		p := past{judged: ago.Draw(t, "judged"), final: rapid.Bool().Draw(t, "final"), counted: ago.Draw(t, "counted")}
		if rapid.Bool().Draw(t, "news") {
			p.news = p.counted.Add(time.Duration(rapid.Int64Range(0, int64(now.Sub(p.counted))).Draw(t, "after")))
		}

		done := plan(template, p, now)
		p = p.with(observed(template, done), now)
		wait := recheck(template, p, done, now)
		if wait == 0 {
			if plan(template, p, now.Add(24*time.Hour)).judge {
				t.Fatal("there is something to judge later, and nobody comes back")
			}
			if !done.count {
				t.Fatal("nobody comes back to count")
			}
			return
		}
		early, late := plan(template, p, now.Add(wait-1)), plan(template, p, now.Add(wait))
		if early.judge || (early.count && !done.count) {
			t.Fatalf("%v is too late: %+v", wait, early)
		}
		if !late.judge && !late.count {
			t.Fatalf("%v is too early", wait)
		}
	})
}

// observed is the same verdict once more for a template that was judged, and counts for one that was counted.
func observed(t *v1alpha1.SessionTemplate, done due) observation {
	var seen observation
	if done.judge {
		seen.verdict = &verdict{reason: t.Status.Conditions[0].Reason}
	}
	if done.count {
		seen.counts = &v1alpha1.SessionCounts{}
	}
	return seen
}

func TestReportLeavesItsInputAlone(t *testing.T) {
	in := &v1alpha1.SessionTemplate{}
	in.Generation = 2
	setCondition(in, v1alpha1.ConditionAccepted, v1alpha1.ReasonInvalidPod, v1alpha1.ReasonAccepted, begin)
	next := report(in, observation{verdict: &verdict{reason: v1alpha1.ReasonAccepted}, counts: &v1alpha1.SessionCounts{Total: 1}}, begin.Add(time.Hour))
	if in.Status.Conditions[0].Reason != v1alpha1.ReasonInvalidPod || len(in.Status.Conditions) != 1 || in.Status.Sessions.Total != 0 {
		t.Errorf("the template that was read has changed: %+v", in.Status)
	}
	if len(next.Status.Conditions) != 2 || next.Status.ObservedGeneration != 2 {
		t.Errorf("reported %+v", next.Status)
	}
}

func TestOnlyChangesOfCountsArePassedOn(t *testing.T) {
	session := func(phase v1alpha1.SessionPhase, by string) *v1alpha1.Session {
		return &v1alpha1.Session{Status: v1alpha1.SessionStatus{Phase: phase, Activity: &v1alpha1.Activity{By: by, Time: metav1.NowMicro()}}}
	}
	tests := map[string]struct {
		before, after client.Object
		passes        bool
	}{
		"a touch":                {session(v1alpha1.PhaseAwake, "a"), session(v1alpha1.PhaseAwake, "b"), false},
		"a touch while asleep":   {session(v1alpha1.PhaseAsleep, "a"), session(v1alpha1.PhaseAsleep, "b"), false},
		"a sleep that is off":    {session(v1alpha1.PhaseDraining, "a"), session(v1alpha1.PhaseAwake, "a"), false},
		"a sleep":                {session(v1alpha1.PhaseDraining, "a"), session(v1alpha1.PhaseStopping, "a"), true},
		"a wake":                 {session(v1alpha1.PhaseAsleep, "a"), session(v1alpha1.PhaseAwake, "a"), true},
		"the first sign of life": {session("", "a"), session(v1alpha1.PhaseWaking, "a"), true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if got := countChanges.Update(event.UpdateEvent{ObjectOld: test.before, ObjectNew: test.after}); got != test.passes {
				t.Errorf("passes: %t", got)
			}
		})
	}
	if !countChanges.Create(event.CreateEvent{}) || !countChanges.Delete(event.DeleteEvent{}) {
		t.Error("a session came or went, and nobody was told")
	}
}

func TestNoteFitsIntoAnEvent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := strings.Repeat(rapid.String().Draw(t, "words"), rapid.IntRange(1, 300).Draw(t, "times"))
		got := note(words)
		if len(got) > maxNote || !utf8.ValidString(got) {
			t.Fatalf("%d bytes, valid: %t", len(got), utf8.ValidString(got))
		}
		if len(words) <= maxNote && got != words {
			t.Fatal("changed what would have fit")
		}
	})
}

func TestOtherWordsAreAnotherAction(t *testing.T) {
	if action("a") == action("b") {
		t.Error("an event with other words would be counted as the one before, and its words be lost")
	}
}
