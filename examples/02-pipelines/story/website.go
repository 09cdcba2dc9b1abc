package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/story"
)

// signIn has the story speak to the gateway as the website, which may have pipelines run on any user's account.
func signIn(ctx context.Context, s *story.Stage) error {
	token, err := s.Kubectl(ctx, "create", "token", "website", "--audience=sessions.dormouse.dev")
	if err != nil {
		return err
	}
	s.API = client.New(s.Gateway, client.Options{HTTP: s.HTTP, Token: func() (string, error) { return token, nil }})
	return nil
}

// pipeline is the input of a session.
type pipeline struct {
	Text  string   `json:"text"`
	Steps []string `json:"steps"`
}

// batch are so many pipelines of a user, of which each takes a second, and the result of number n is n.
func batch(user, what string, size int) (lines []client.Line, err error) {
	for n := range size {
		p := pipeline{strings.Repeat("Zz ", n+1), []string{"lower", "words", "wait 1s", "count"}}
		line, err := lineOf(user, fmt.Sprintf("%s-%d", what, n+1), p)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

func lineOf(user, what string, p pipeline) (client.Line, error) {
	text, err := json.Marshal(p)
	input := string(text)
	return client.Line{Key: user + "-" + what, Spec: client.Spec{Tenant: user, Input: &input}}, err
}

// send sends a batch in one request, and wants that answer for each of its lines.
func send(ctx context.Context, s *story.Stage, plan string, lines []client.Line, want int) error {
	began := time.Now()
	results, err := s.API.CreateAll(ctx, s.Namespace, plan, lines)
	if err != nil {
		return err
	}
	for _, r := range results {
		if r.Status != want {
			return fmt.Errorf("line %d, %s: %d %s %s; %d was expected", r.Line, r.Key, r.Status, r.Reason, r.Detail, want)
		}
	}
	s.Saw("%d times %d %s, in %.1f s", len(results), want, http.StatusText(want), time.Since(began).Seconds())
	return nil
}

// state is how it stands with one pipeline.
type state struct{ key, phase, epoch, code string }

// states are those of all pipelines of a user.
func states(ctx context.Context, s *story.Stage, user string) (all []state, err error) {
	text, err := s.Kubectl(ctx, "get", "sessions", "--field-selector=spec.tenant="+user, "-o",
		`jsonpath={range .items[*]}{.spec.key}|{.status.phase}|{.status.epoch}|{.status.lastExit.code}{"\n"}{end}`)
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), "|")
		all = append(all, state{f[0], f[1], f[2], f[3]})
	}
	return all, err
}

// record is what one worker left behind.
type record struct {
	Log    []string
	Result string
}

// records are those of a user, by pipeline and worker. They come from the store, by a road that any cluster has.
func records(ctx context.Context, s *story.Stage, user string) (all map[string]record, err error) {
	text, err := s.Kubectl(ctx, "get", "--raw", storeOf(user))
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("read the records of %s: %w", user, err)
	}
	return all, nil
}

func storeOf(user string) string {
	return "/api/v1/namespaces/" + namespace + "/services/results:http/proxy/" + user
}

// cancel ends all pipelines of a user in one request, as the website, waits until they are gone, and has the store forget the user.
func cancel(ctx context.Context, s *story.Stage, user string) error {
	all := "/apis/sessions.dormouse.dev/v1alpha1/namespaces/" + namespace + "/sessions?fieldSelector=spec.tenant%3D" + user
	err := s.Until(ctx, "no session of "+user+" is left", func() (bool, error) {
		_, err := s.Kubectl(ctx, "delete", "--as=system:serviceaccount:"+namespace+":website", "--raw", all)
		if err != nil && !unanswered(err) {
			return false, err
		}
		left, err := states(ctx, s, user)
		return len(left) == 0, err
	})
	if err != nil {
		return err
	}
	_, err = s.Kubectl(ctx, "delete", "--raw", storeOf(user))
	return err
}

// unanswered says whether the API server, which has a minute for an answer, gave none: it says so, or resets the stream, and may go on.
func unanswered(err error) bool {
	return strings.Contains(err.Error(), "(Timeout)") || strings.Contains(err.Error(), "INTERNAL_ERROR")
}
