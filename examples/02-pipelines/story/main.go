// Command story plays the pipelines' story on a cluster.
package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/story"
)

const namespace = "pipelines"

// The plans, which are templates, and how many pipelines of a user run at a time by each.
const (
	pro, free   = "pro", "free"
	ten, four   = 10, 4
	more, fewer = 20, 5 // what becomes of the ten while they run
)

// The batches.
const (
	hundred  = 100
	another  = 10
	rounds   = 3
	thousand = client.MaxBatch
)

// patience is for what runs dozens of pods, on a machine that may have other things to do.
const patience = 4 * time.Minute

// once makes the users of one telling its own, so that it can be told again at once.
var once = strconv.FormatInt(time.Now().UnixMilli(), 36)

var ann, bob, cleo, dan = "ann-" + once, "bob-" + once, "cleo-" + once, "dan-" + once

// telling is one telling of the story.
type telling struct {
	watch func() (*pods, error) // for as long as the story is told
	pods  *pods
	first []client.Line // Ann's first batch
}

// hangs is the pipeline of Ann's whose first worker hangs.
func (t *telling) hangs() string { return t.first[0].Key }

// wrong is the one that no worker can run.
func (t *telling) wrong() string { return t.first[1].Key }

func main() {
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	t := &telling{watch: func() (*pods, error) { return watchPods(ctx) }}
	story.Tell(namespace, []story.Line{
		{Says: "While nobody has work, nothing runs: no queue, and no worker.", Look: t.nothing},
		{Says: "One request has 100 pipelines run for Ann. When it is answered all are stored, whether they have begun or not.", Look: t.stored},
		{Says: "Ten of them run at a time, as her plan says.", Look: t.ten},
		{Says: "A worker hangs and dies by kill -9, alone: the others go on, and the next worker runs its pipeline.", Look: t.killed},
		{Says: "The same batch again makes nothing twice. Another one of hers joins the first: ten at a time, all together.", Look: t.joins},
		{Says: "The plan changes while they run: a larger one holds at once, and a smaller one stops nobody.", Look: t.changes},
		{Says: "All come to their end, each once; a pipeline that no worker can run has failed alone. Then nothing runs any more.", Look: t.ended, Within: patience},
		{Says: "Results and logs are there when the pods are gone, also what the killed worker had.", Look: t.kept},
		{Says: "A batch that is sent just when the last pipeline ends is run too.", Look: t.race},
		{Says: "The free plan has four places for all. Cleo has 1,000 pipelines, Dan comes later with three, and is done while hundreds of hers wait.", Look: t.shares, Within: patience},
		{Says: "Cleo cancels: what waits never runs, and what runs is ended. Nothing is left of anybody.", Look: t.cancels, Within: patience},
	})
}

func (t *telling) nothing(ctx context.Context, s *story.Stage) (err error) {
	if err := signIn(ctx, s); err != nil {
		return err
	}
	if t.pods, err = t.watch(); err != nil {
		return err
	}
	if err := t.pods.idle(ctx, s); err != nil {
		return err
	}
	all, err := s.Pods(ctx)
	s.Saw("pods: %v", all)
	return err
}

func (t *telling) stored(ctx context.Context, s *story.Stage) (err error) {
	if t.first, err = batch(ann, "first", hundred); err != nil {
		return err
	}
	if t.first[0], err = lineOf(ann, "first-1", pipeline{"a b", []string{"words", "hang", "wait 5s", "count"}}); err != nil {
		return err
	}
	if t.first[1], err = lineOf(ann, "first-2", pipeline{"wrong", []string{"divide"}}); err != nil {
		return err
	}
	if err := send(ctx, s, pro, t.first, http.StatusCreated); err != nil {
		return err
	}
	begun, err := t.pods.of(ann)
	if err != nil {
		return err
	}
	all, err := states(ctx, s, ann)
	s.Saw("%d are stored; %d had begun when that was said", len(all), begun.begun)
	if err == nil && len(all) != hundred {
		err = fmt.Errorf("%d were to be stored", hundred)
	}
	return err
}

func (t *telling) ten(ctx context.Context, s *story.Stage) error {
	seen, err := t.pods.until(ctx, s, "ten run, and some of the next", ann, func(is sight) bool { return is.begun > ten+3 })
	return exactly(s, err, seen, ten)
}

// exactly fails unless so many pods have been there at once at most, and so many have.
func exactly(s *story.Stage, err error, seen sight, most int) error {
	if err != nil {
		return err
	}
	s.Saw("%d have begun, and at most %d were there at a time", seen.begun, seen.most)
	if seen.most != most {
		return fmt.Errorf("%d were to be there at a time", most)
	}
	return nil
}

func (t *telling) killed(ctx context.Context, s *story.Stage) error {
	found, err := s.Becomes(ctx, pro, t.hangs(), "Awake")
	if err != nil {
		return err
	}
	if _, err := s.Kubectl(ctx, "wait", "pod", found.Name, "--for=jsonpath={.status.phase}=Running", "--timeout=1m"); err != nil {
		return err
	}
	if err := s.Kill(ctx, found, "/pipeline"); err != nil {
		return err
	}
	before, err := t.pods.of(ann)
	if err != nil {
		return err
	}
	err = s.Until(ctx, "the next worker is there", func() (bool, error) {
		found, err = s.Session(ctx, pro, t.hangs())
		return found.Epoch == 2 && found.Phase == "Awake", err
	})
	if err != nil {
		return err
	}
	s.Saw("how the first one ended: %s", story.Exit(found))
	after, err := t.pods.until(ctx, s, "others go on", ann, func(is sight) bool { return is.begun > before.begun+3 })
	s.Saw("from the kill until now %d of the others have begun", after.begun-before.begun-1)
	return err
}

func (t *telling) joins(ctx context.Context, s *story.Stage) error {
	if err := send(ctx, s, pro, t.first, http.StatusOK); err != nil {
		return err
	}
	lines, err := batch(ann, "second", another)
	if err != nil {
		return err
	}
	if err := send(ctx, s, pro, lines, http.StatusCreated); err != nil {
		return err
	}
	before, err := t.pods.of(ann)
	if err != nil {
		return err
	}
	seen, err := t.pods.until(ctx, s, "some more begin", ann, func(is sight) bool { return is.begun > before.begun+3 })
	return exactly(s, err, seen, ten)
}

// plan changes how many pipelines of each user run at a time by the plan pro.
func plan(ctx context.Context, s *story.Stage, most int) error {
	patch := fmt.Sprintf(`{"spec": {"limits": {"perTenant": {"awake": %d}}}}`, most)
	_, err := s.Kubectl(ctx, "patch", "sessiontemplate", pro, "--type=merge", "-p", patch)
	s.Saw("the plan says %d", most)
	return err
}

func (t *telling) changes(ctx context.Context, s *story.Stage) error {
	if err := plan(ctx, s, more); err != nil {
		return err
	}
	seen, err := t.pods.until(ctx, s, "twenty run", ann, func(is sight) bool { return is.most >= more })
	if err := exactly(s, err, seen, more); err != nil {
		return err
	}
	if err := plan(ctx, s, fewer); err != nil {
		return err
	}
	few, err := t.pods.until(ctx, s, "five are left", ann, func(is sight) bool { return is.now <= fewer })
	if err != nil {
		return err
	}
	t.pods.anew(ann)
	seen, err = t.pods.until(ctx, s, "some more begin", ann, func(is sight) bool { return is.begun > few.begun+2 })
	if err := exactly(s, err, seen, fewer); err != nil {
		return err
	}
	return plan(ctx, s, ten)
}
