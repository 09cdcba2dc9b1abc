package main

import (
	"context"
	"testing"
)

// hears are the texts that a connection is told next.
func hears(t *testing.T, r *room, n int) (texts []string, next int) {
	t.Helper()
	all, next, err := r.from(t.Context(), n)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		texts = append(texts, m.Text)
	}
	return texts, next
}

func TestAConnectionIsToldEachMessageOnce(t *testing.T) {
	r := newRoom("a", "2", []message{{Text: "before"}})
	r.say(message{Text: "one"})
	for what, c := range map[string]struct {
		connection string
		back       bool
		want       int
	}{
		"who is new is told all there is":                               {"new", false, 2},
		"who was there before this process is told what this one heard": {"slept", true, 1},
	} {
		if got, _ := hears(t, r, r.enter(c.connection, c.back)); len(got) != c.want {
			t.Errorf("%s: %q", what, got)
		}
	}
	n := r.enter("parted", false)
	_, n = hears(t, r, n)
	r.exit("parted", n)
	r.say(message{Text: "two"})
	if got, _ := hears(t, r, r.enter("parted", true)); len(got) != 1 || got[0] != "two" {
		t.Errorf("who was away for a moment hears %q", got)
	}
}

func TestARoomRemembersTheLatest(t *testing.T) {
	r := newRoom("a", "1", nil)
	for range maxMessages + 5 {
		r.say(message{Text: "x"})
	}
	got, next := hears(t, r, 0)
	if len(got) != maxMessages || next != maxMessages+5 {
		t.Errorf("%d messages, the next is number %d", len(got), next)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, n, err := r.from(ctx, next); err == nil || n != next {
		t.Errorf("there is no message of number %d, and this is %d, %v", next, n, err)
	}
}
