package throttle

import (
	"testing"
	"time"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// A minute's worth at once, then one whenever one has flowed in, and to each its own.
func TestEachHasABucket(t *testing.T) {
	var e Each[string]
	for range 6 {
		if wait := e.Take("a", 6, start); wait != 0 {
			t.Fatalf("waits %v", wait)
		}
	}
	if wait := e.Take("a", 6, start); wait != 10*time.Second {
		t.Errorf("waits %v, want 10s", wait)
	}
	if wait := e.Take("b", 6, start); wait != 0 {
		t.Errorf("another one waits %v", wait)
	}
	if wait := e.Take("a", 6, start.Add(10*time.Second)); wait != 0 {
		t.Errorf("waits %v after 10s", wait)
	}
	if wait := e.Take("a", 6, start.Add(10*time.Second)); wait != 10*time.Second {
		t.Errorf("waits %v, want 10s", wait)
	}
}

// What is given back may be taken again, and a full bucket does not run over.
func TestGivenBack(t *testing.T) {
	var e Each[string]
	e.Give("a", start)
	if wait := e.Take("a", 1, start); wait != 0 {
		t.Fatalf("waits %v", wait)
	}
	e.Give("a", start)
	e.Give("a", start)
	if wait := e.Take("a", 1, start); wait != 0 {
		t.Errorf("waits %v for what was given back", wait)
	}
	if wait := e.Take("a", 1, start); wait != time.Minute {
		t.Errorf("waits %v, want 1m", wait)
	}
}

func TestLimitChanges(t *testing.T) {
	var e Each[string]
	e.Take("a", 1, start)
	if wait := e.Take("a", 1, start); wait != time.Minute {
		t.Errorf("waits %v, want 1m", wait)
	}
	if wait := e.Take("a", 60, start); wait != time.Second {
		t.Errorf("waits %v with the higher limit, want 1s", wait)
	}
}

// Whoever comes under ever new names gets no more than one minute's worth for each that is remembered: the memory that is lost
// fails closed, and is whole again when what was forgotten would be full.
func TestForgottenBucketsFailClosed(t *testing.T) {
	e := Each[int]{Most: 10}
	taken := 0
	for who := range 1000 {
		for e.Take(who, 2, start) == 0 {
			taken++
		}
	}
	if taken != 20 {
		t.Errorf("%d were taken, want 20", taken)
	}
	if e.buckets.Len() != 10 {
		t.Errorf("%d are remembered", e.buckets.Len())
	}
	if wait := e.Take(2000, 2, start); wait != 30*time.Second {
		t.Errorf("a new one waits %v, want 30s", wait)
	}
	if wait := e.Take(2001, 2, start.Add(2*time.Minute)); wait != 0 {
		t.Errorf("a new one waits %v when nothing is lost any more", wait)
	}
}

// To forget a full bucket is to lose nothing.
func TestForgottenFullBucketsCostNobody(t *testing.T) {
	e := Each[int]{Most: 1}
	for who := range 5 {
		if wait := e.Take(who, 2, start.Add(time.Duration(who)*time.Minute)); wait != 0 {
			t.Errorf("%d waits %v", who, wait)
		}
	}
}
