package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// noted runs a pipeline, and returns what it noted too.
func noted(ctx context.Context, p pipeline) (result string, notes []string, err error) {
	result, err = p.run(ctx, true, func(_ context.Context, line string) error { notes = append(notes, line); return nil })
	return result, notes, err
}

func TestStepsFollowOneAnother(t *testing.T) {
	for _, c := range []struct {
		text  string
		steps []string
		want  string
	}{
		{"a b\nc", nil, "a b\nc"},
		{"a b\n c ", []string{"words"}, "a\nb\nc"},
		{"B a\nb A", []string{"words", "lower", "sort"}, "a\na\nb\nb"},
		{"B a\nb A", []string{"words", "lower", "sort", "unique", "count"}, "2"},
		{"a\nb\na", []string{"unique"}, "a\nb\na"},
		{"", []string{"words", "count"}, "0"},
	} {
		if got, _, err := noted(t.Context(), pipeline{c.text, c.steps}); err != nil || got != c.want {
			t.Errorf("%q by %q is %q, %v; want %q", c.text, c.steps, got, err, c.want)
		}
	}
}

func TestAStepIsNotedBeforeItBegins(t *testing.T) {
	_, notes, err := noted(t.Context(), pipeline{"a b", []string{"words", "divide", "count"}})
	if want := []string{"step 1 of 3: words, 1 lines", "step 2 of 3: divide, 2 lines"}; !slices.Equal(notes, want) {
		t.Errorf("noted %q", notes)
	}
	if !errors.Is(err, errWrong) || err.Error() != `step 2: the pipeline is wrong: nobody here can "divide"` {
		t.Errorf("%v", err)
	}
}

func TestAPipelineEndsWhereItCannotBeNoted(t *testing.T) {
	away := errors.New("the store is away")
	_, err := pipeline{"a", []string{"divide"}}.run(t.Context(), true, func(context.Context, string) error { return away })
	if !errors.Is(err, away) || errors.Is(err, errWrong) {
		t.Errorf("%v", err)
	}
}

func TestToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		if got, _, err := noted(t.Context(), pipeline{"a", []string{"wait 2s", "wait 500ms"}}); err != nil || got != "a" || time.Since(began) != 2500*time.Millisecond {
			t.Errorf("%q, %v after %s", got, err, time.Since(began))
		}
		for _, long := range []string{"", "long", "-1s", "61s"} {
			if _, _, err := noted(t.Context(), pipeline{"a", []string{"wait " + long}}); !errors.Is(err, errWrong) {
				t.Errorf("to wait %q: %v", long, err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, _, err := noted(ctx, pipeline{"a", []string{"wait 1m"}}); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errWrong) {
			t.Errorf("a worker that is told to go: %v", err)
		}
	})
}

func TestOnlyTheFirstWorkerHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		p := pipeline{"a", []string{"hang", "count"}}
		note := func(context.Context, string) error { return nil }
		if got, err := p.run(ctx, false, note); err != nil || got != "1" {
			t.Errorf("%q, %v", got, err)
		}
		if _, err := p.run(ctx, true, note); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, errWrong) {
			t.Errorf("%v", err)
		}
	})
}
