package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/examples/story"
)

// system is the namespace of the operator.
const system = "dormouse-system"

// killOperator ends all replicas of the operator at once.
func killOperator(ctx context.Context, s *story.Stage) error {
	said, err := s.Kubectl(ctx, "delete", "pods", "-n", system, "-l", "app.kubernetes.io/component=operator", "--force", "--grace-period=0", "--wait=false")
	s.Saw("%s", strings.ReplaceAll(said, "\n", ", "))
	return err
}

// moment is one in the making of a server.
type moment struct {
	what string
	seen func(all map[string]session) bool
}

// killAt kills the operator as soon as each of these moments of a server is seen, one after the other.
func killAt(ctx context.Context, s *story.Stage, name string, moments ...moment) error {
	for _, m := range moments {
		err := s.Until(ctx, m.what, func() (bool, error) {
			all, err := sessions(ctx, s, name)
			return m.seen(all), err
		})
		if err != nil {
			return err
		}
		s.Saw("%s; kill the operator:", m.what)
		if err := killOperator(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

func begunLeaderless(ctx context.Context, s *story.Stage) error {
	if err := order(ctx, s, headless, large); err != nil {
		return err
	}
	return killAt(ctx, s, headless,
		moment{"it is ordered", func(all map[string]session) bool { return len(all) > 0 }},
		moment{"machine and record are begun", func(all map[string]session) bool { return all["record"].made() != time.Time{} }})
}

func endedLeaderless(ctx context.Context, s *story.Stage) error {
	err := killAt(ctx, s, headless,
		moment{"the record is awaited", func(all map[string]session) bool { return all["record"].Status.Phase == "Asleep" }},
		moment{"the configuration is begun", func(all map[string]session) bool { return all["configure"].made() != time.Time{} }})
	if err != nil {
		return err
	}
	if _, err := ready(ctx, s, headless); err != nil {
		return err
	}
	return one(ctx, s, headless, "large", 4)
}

// destroyed deletes all sessions of a server, kills the operator when it sees the first of the last ones, and looks on.
func destroyed(ctx context.Context, s *story.Stage) error {
	if _, err := s.Kubectl(ctx, "delete", "sessions", "--wait=false", "--field-selector=spec.key="+headless); err != nil {
		return err
	}
	err := s.Until(ctx, "machine and record are being destroyed", func() (bool, error) {
		all, err := sessions(ctx, s, headless)
		last := all["server"].Status.OnDelete
		if err != nil || len(last) != 3 || last[0].State != "Started" || last[1].State == "Waiting" {
			return false, err
		}
		s.Saw("%s: %v", all["server"].Status.Phase, last)
		if last[2].State != "Waiting" {
			err = errors.New("somebody looks for traces before they are gone")
		}
		return true, err
	})
	if err != nil {
		return err
	}
	if err := killOperator(ctx, s); err != nil {
		return err
	}
	if err := gone(ctx, s, headless); err != nil {
		return err
	}
	_, err = s.Kubectl(ctx, "rollout", "status", "deployment/dormouse-operator", "-n", system, "--timeout=60s")
	return err
}

// event is what kubectl shows of one.
type event struct {
	Reason, Message string
	InvolvedObject  struct{ Kind, Name string }
	EventTime       time.Time
}

// recorded wants what has happened to a server in its events, in words that kubectl describe prints.
func recorded(ctx context.Context, s *story.Stage) error {
	wants := []string{
		"server." + killed + " Completed Epoch 1 has done its work",
		"server." + killed + " StartingOthers Session machine." + killed + " follows from it",
		"machine." + killed + " Awake Epoch 1 is served",
		"machine." + killed + " Ended Epoch 1: Error, exit code 137",
		"machine." + killed + " Completed Epoch 2 has done its work",
		"server." + killed + " StartingOthers Session configure." + killed + " follows from it",
		"configure." + killed + " Completed Epoch 1 has done its work",
		"server." + killed + " Completed All that followed from it have completed",
	}
	return s.Until(ctx, "all is recorded", func() (bool, error) {
		told, err := events(ctx, s, killed)
		if err != nil {
			return false, err
		}
		for _, want := range wants {
			if !slices.ContainsFunc(told, func(line string) bool { return strings.Contains(line, want) }) {
				return false, nil
			}
		}
		for _, line := range told {
			s.Saw("%s", line)
		}
		return true, nil
	})
}

// events are those of a server's sessions, in the order in which they came.
func events(ctx context.Context, s *story.Stage, name string) (told []string, err error) {
	text, err := s.Kubectl(ctx, "get", "events", "-o", "json")
	if err != nil {
		return nil, err
	}
	var list struct{ Items []event }
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("read the events: %w", err)
	}
	slices.SortStableFunc(list.Items, func(a, b event) int { return a.EventTime.Compare(b.EventTime) })
	for _, e := range list.Items {
		if _, of, _ := strings.Cut(e.InvolvedObject.Name, "."); of == name && e.InvolvedObject.Kind == "Session" {
			told = append(told, fmt.Sprintf("%s %s %s %s", clock(e.EventTime), e.InvolvedObject.Name, e.Reason, e.Message))
		}
	}
	return told, nil
}
