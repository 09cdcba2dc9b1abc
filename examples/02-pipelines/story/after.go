package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/story"
)

func (t *telling) ended(ctx context.Context, s *story.Stage) error {
	const workers = hundred + another + 1 // one was killed
	seen, err := t.pods.until(ctx, s, "all have begun", ann, func(is sight) bool { return is.begun >= workers })
	if err != nil {
		return err
	}
	if err := t.pods.idle(ctx, s); err != nil {
		return err
	}
	all, err := states(ctx, s, ann)
	if err != nil {
		return err
	}
	how := map[string]int{}
	for _, p := range all {
		if want := t.end(p.key); p != want {
			return fmt.Errorf("%+v, and %+v was expected", p, want)
		}
		how[fmt.Sprintf("%s after epoch %s with exit code %s", p.phase, p.epoch, p.code)]++
	}
	for words, n := range how {
		s.Saw("%3d %s", n, words)
	}
	if seen, err = t.pods.of(ann); err == nil && (len(all) != hundred+another || seen.begun != workers) {
		err = fmt.Errorf("%d pipelines have had %d pods", len(all), seen.begun)
	}
	return err
}

// end is how a pipeline of Ann's is to end.
func (t *telling) end(key string) state {
	switch key {
	case t.hangs():
		return state{key, "Completed", "2", "0"}
	case t.wrong():
		return state{key, "Failed", "1", "2"}
	}
	return state{key, "Completed", "1", "0"}
}

func (t *telling) kept(ctx context.Context, s *story.Stage) error {
	all, err := records(ctx, s, ann)
	if err != nil {
		return err
	}
	right := 0
	for n := 3; n <= hundred; n++ { // the first two are not as the others
		if all[fmt.Sprintf("%s-first-%d/1", ann, n)].Result == strconv.Itoa(n) {
			right++
		}
	}
	s.Saw("of %d results %d are right", hundred-2, right)
	if right != hundred-2 {
		return errors.New("all of them were to be")
	}
	for _, look := range []struct{ worker, log, result string }{
		{t.first[2].Key + "/1", "done", "3"},
		{t.wrong() + "/1", `step 1: the pipeline is wrong: nobody here can "divide"`, ""},
		{t.hangs() + "/1", "step 2 of 4: hang, 2 lines", ""}, // it was killed there
		{t.hangs() + "/2", "done", "2"},
	} {
		r := all[look.worker]
		s.Saw("%s: %s. Its result: %q", look.worker, strings.Join(r.Log, "; "), r.Result)
		if r.Result != look.result || len(r.Log) == 0 || r.Log[len(r.Log)-1] != look.log {
			return fmt.Errorf("the end of its log was to be %q, and its result %q", look.log, look.result)
		}
	}
	return nil
}

// race sends each batch as soon as the last pipeline of the one before is seen to have ended.
func (t *telling) race(ctx context.Context, s *story.Stage) error {
	for round := range rounds {
		lines, err := batch(bob, fmt.Sprintf("round-%d", round+1), 2)
		if err != nil {
			return err
		}
		if err := send(ctx, s, pro, lines, http.StatusCreated); err != nil {
			return err
		}
		if err := completed(ctx, s, pro, lines); err != nil {
			return err
		}
	}
	return t.pods.idle(ctx, s)
}

func completed(ctx context.Context, s *story.Stage, plan string, lines []client.Line) error {
	for _, l := range lines {
		if _, err := s.Becomes(ctx, plan, l.Key, "Completed"); err != nil {
			return err
		}
	}
	return nil
}

func (t *telling) shares(ctx context.Context, s *story.Stage) error {
	many, err := batch(cleo, "many", thousand)
	if err != nil {
		return err
	}
	t.pods.anew(everybody)
	if err := send(ctx, s, free, many, http.StatusCreated); err != nil {
		return err
	}
	seen, err := t.pods.until(ctx, s, "Cleo has all four places", cleo, func(is sight) bool { return is.begun > 2*four })
	if err := exactly(s, err, seen, four); err != nil {
		return err
	}
	if err := t.comesLater(ctx, s); err != nil {
		return err
	}
	if seen, err = t.pods.of(cleo); err != nil {
		return err
	}
	s.Saw("Dan is done, and %d of Cleo's have not begun", thousand-seen.begun)
	if seen.begun > thousand/2 {
		return errors.New("hundreds of hers were to wait")
	}
	return t.turns(s)
}

// comesLater is Dan.
func (t *telling) comesLater(ctx context.Context, s *story.Stage) error {
	three, err := batch(dan, "few", 3)
	if err != nil {
		return err
	}
	if err := send(ctx, s, free, three, http.StatusCreated); err != nil {
		return err
	}
	if err := completed(ctx, s, free, three); err != nil {
		return err
	}
	all, err := t.pods.of(everybody)
	return exactly(s, err, all, four)
}

// turns looks whether Dan and Cleo have taken turns while Dan waited.
func (t *telling) turns(s *story.Stage) error {
	begun := t.pods.order()
	turns := begun[slices.Index(begun, dan):]
	last := 0
	for i, user := range turns {
		if user == dan {
			last = i
		}
	}
	var names []string
	for _, user := range turns[:last+1] {
		name, _, _ := strings.Cut(user, "-")
		names = append(names, name)
	}
	s.Saw("their turns: %s", strings.Join(names, ", "))
	if len(names) != 5 {
		return errors.New("between two of his, one of hers was to begin")
	}
	return nil
}

func (t *telling) cancels(ctx context.Context, s *story.Stage) error {
	began := time.Now()
	if err := cancel(ctx, s, cleo); err != nil {
		return err
	}
	seen, err := t.pods.of(cleo)
	if err != nil {
		return err
	}
	s.Saw("nothing of Cleo's is there after %.1f s: %d had begun, %d never will", time.Since(began).Seconds(), seen.begun, thousand-seen.begun)
	for _, user := range []string{ann, bob, dan} {
		if err := cancel(ctx, s, user); err != nil {
			return err
		}
	}
	return t.pods.idle(ctx, s)
}
