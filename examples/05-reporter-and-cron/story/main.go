// Command story plays the story of the reporter and the cron manager on a cluster.
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

// once makes the jobs of one telling its own, so that it can be told again at once.
var once = strconv.FormatInt(time.Now().UnixMilli(), 36)

func main() {
	story.Tell("reporter", []story.Line{
		{Says: "A call has work done and returns at once. How the work ended is reported to its user.", Look: done},
		{Says: "Work that dies by kill -9 is reported all the same.", Look: died},
		{Says: "So is work that fails with a word, and work that takes more memory than it may.", Look: failed},
		{Says: "The memory that the big job took is free when it has ended: its pod is gone, and how it ended is still known.", Look: freed},
		{Says: "A conversation that is stuck holds up no other, nor is it in the way of who else speaks in it.", Look: stuck},
		{Says: "A job has its times, and no process until one of them comes.", Look: waits},
		{Says: "Its time comes: a manager wakes, has the work done, and sleeps. The work dies by kill -9; the manager has not noticed.", Look: ticks},
		{Says: "At the next time the work is done again, by the next process.", Look: ticksAgain},
		{Says: "When all is done, no process is left but the mailboxes.", Look: rest},
	})
}

// start has work done, and says how long the call took.
func start(ctx context.Context, s *story.Stage, key, input string) error {
	began := time.Now()
	_, made, err := s.API.Create(ctx, client.Ref{Namespace: s.Namespace, Template: "work", Key: key}, client.Spec{Input: &input})
	if err != nil {
		return err
	}
	if !made {
		return fmt.Errorf("work %s was there already", key)
	}
	s.Saw("have %s done: %s. The call took %.0f ms", key, input, time.Since(began).Seconds()*1000)
	return nil
}

// report is what a user gets.
type report struct{ Job, How string }

// reports are those in a user's mailbox.
func reports(ctx context.Context, s *story.Stage, user string) ([]report, error) {
	a, err := s.Get(ctx, "/mailbox/"+user+"/")
	if err != nil {
		return nil, err
	}
	var box struct{ Reports []report }
	return box.Reports, a.JSON(&box)
}

// reported waits for the report of a job of ann's, and wants words in it.
func reported(ctx context.Context, s *story.Stage, job, words string) error {
	var got report
	err := s.Until(ctx, "ann is told how "+job+" ended", func() (bool, error) {
		all, err := reports(ctx, s, "ann")
		i := slices.IndexFunc(all, func(r report) bool { return r.Job == job })
		if i >= 0 {
			got = all[i]
		}
		return i >= 0, err
	})
	if err != nil {
		return err
	}
	s.Saw("ann is told: %s %s", got.Job, got.How)
	if !strings.Contains(got.How, words) {
		return fmt.Errorf("%q was expected", words)
	}
	return nil
}

// job has one piece of work done, and waits for its report.
func job(ctx context.Context, s *story.Stage, name, input, words string) error {
	if err := start(ctx, s, "ann--"+name+once, input); err != nil {
		return err
	}
	return reported(ctx, s, name+once, words)
}

func done(ctx context.Context, s *story.Stage) error {
	return job(ctx, s, "big-", `{"does": "sort", "mebibytes": 32}`, "done: sorted 4194304 numbers")
}

func died(ctx context.Context, s *story.Stage) error {
	return job(ctx, s, "doomed-", `{"does": "die"}`, "it was killed by signal 9")
}

func failed(ctx context.Context, s *story.Stage) error {
	if err := start(ctx, s, "ann--wrong-"+once, `{"does": "fail"}`); err != nil {
		return err
	}
	if err := job(ctx, s, "hungry-", `{"does": "hog"}`, "it took more memory than it may"); err != nil {
		return err
	}
	return reported(ctx, s, "wrong-"+once, "failed: work: no such file")
}

func freed(ctx context.Context, s *story.Stage) error {
	found, err := s.Becomes(ctx, "work", "ann--big-"+once, "Completed")
	if err != nil {
		return err
	}
	s.Saw("%s", story.Exit(found))
	return s.Until(ctx, "its pod is gone", func() (bool, error) {
		pods, err := s.Pods(ctx)
		return !slices.Contains(pods, found.Name), err
	})
}

func stuck(ctx context.Context, s *story.Stage) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if _, err := s.Get(ctx, "/mailbox/bob/"); err != nil {
		return err
	}
	answered := make(chan error, 1)
	go func() {
		a, err := s.Ask(ctx, http.MethodGet, "/mailbox/bob/stuck", "")
		answered <- fmt.Errorf("bob's conversation was to be stuck: %s %w", a, err)
	}()
	for _, user := range []string{"ann", "bob", "cleo"} {
		a, err := s.Get(ctx, "/mailbox/"+user+"/")
		if err != nil {
			return err
		}
		s.Saw("%s's mailbox answers in %.0f ms", user, a.Took.Seconds()*1000)
	}
	select {
	case err := <-answered:
		return err
	default:
		s.Saw("bob still waits for the other answer")
		return nil
	}
}

// nightly is the key of the job that the rest of the story is about.
var nightly = "ann--nightly-" + once

func waits(ctx context.Context, s *story.Stage) error {
	input := `{"does": "die"}`
	spec := client.Spec{Schedule: "0 3 * * *", TimeZone: "Europe/Berlin", Input: &input}
	made, _, err := s.API.Create(ctx, client.Ref{Namespace: s.Namespace, Template: "cron", Key: nightly}, spec)
	if err != nil {
		return err
	}
	pods, err := s.Pods(ctx)
	if err != nil {
		return err
	}
	if slices.Contains(pods, made.Name) {
		return errors.New("it has a pod before its time")
	}
	s.Saw("%s: schedule %q, %s", made.Name, made.Schedule, made.TimeZone)
	return nil
}

func ticks(ctx context.Context, s *story.Stage) error { return tick(ctx, s, 1) }

func ticksAgain(ctx context.Context, s *story.Stage) error { return tick(ctx, s, 2) }

// due gives the job a time in a few seconds, beside that of its schedule, so that nobody has to wait until three at night.
func due(ctx context.Context, s *story.Stage) error {
	found, err := s.Session(ctx, "cron", nightly)
	if err != nil {
		return err
	}
	soon := time.Now().Add(4 * time.Second).UTC().Format(time.RFC3339)
	s.Saw("due at %s", soon)
	_, err = s.Kubectl(ctx, "patch", "session", found.Name, "--type=merge", "-p", `{"spec": {"alarms": ["`+soon+`"]}}`)
	return err
}

// tick waits for a time and the report of its run, and looks at what has become of its manager.
func tick(ctx context.Context, s *story.Stage, run int64) error {
	if err := due(ctx, s); err != nil {
		return err
	}
	if err := reported(ctx, s, fmt.Sprintf("nightly-%s-run-%d", once, run), "it was killed by signal 9"); err != nil {
		return err
	}
	found, err := s.Becomes(ctx, "cron", nightly, "Asleep")
	if err != nil {
		return err
	}
	s.Saw("the manager is asleep; %s", story.Exit(found))
	if e := found.LastExit; e == nil || e.Epoch != run || e.Code == nil || *e.Code != 0 {
		return fmt.Errorf("the manager of run %d was to end well", run)
	}
	return nil
}

func rest(ctx context.Context, s *story.Stage) error {
	var left []string
	err := s.Until(ctx, "only mailboxes have pods", func() (bool, error) {
		var err error
		left, err = s.Pods(ctx)
		return !slices.ContainsFunc(left, func(name string) bool { return !strings.HasPrefix(name, "mailbox.") }), err
	})
	s.Saw("pods: %s", strings.Join(left, ", "))
	return err
}
