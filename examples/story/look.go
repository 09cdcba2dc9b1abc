package story

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

// Answer is what came back for one request.
type Answer struct {
	Status int
	Body   string
	Reason string // the gateway's, where it answered itself
	Took   time.Duration
}

func (a Answer) String() string {
	return fmt.Sprintf("%d in %.0f ms %s%s", a.Status, a.Took.Seconds()*1000, orNothing(a.Reason), Short(a.Body))
}

func orNothing(reason string) string {
	if reason == "" {
		return ""
	}
	return reason + " "
}

// Short is a text of which the middle is left out, if it is long.
func Short(text string) string {
	runes := []rune(strings.TrimSpace(text))
	if len(runes) <= 160 {
		return string(runes)
	}
	return string(runes[:100]) + " ... " + string(runes[len(runes)-30:])
}

// JSON reads the answer as JSON.
func (a Answer) JSON(into any) error {
	if err := json.Unmarshal([]byte(a.Body), into); err != nil {
		return fmt.Errorf("%s is no such JSON: %w", a, err)
	}
	return nil
}

// Ask makes one request. Any status is an answer, and no error.
func (s *Stage) Ask(ctx context.Context, method, path, body string) (a Answer, err error) {
	request, err := http.NewRequestWithContext(ctx, method, s.Gateway+path, strings.NewReader(body))
	if err != nil {
		return a, fmt.Errorf("make a request: %w", err)
	}
	began := time.Now()
	response, err := s.HTTP.Do(request)
	if err != nil {
		return a, err
	}
	defer func() { _ = response.Body.Close() }()
	content, err := io.ReadAll(response.Body)
	return Answer{response.StatusCode, string(content), response.Header.Get("Dormouse-Reason"), time.Since(began)}, err
}

// Get asks for a path, and fails unless the answer is 200.
func (s *Stage) Get(ctx context.Context, path string) (Answer, error) {
	return s.must(ctx, http.MethodGet, path, "")
}

// Post sends a body to a path, and fails unless the answer is 200.
func (s *Stage) Post(ctx context.Context, path, body string) (Answer, error) {
	return s.must(ctx, http.MethodPost, path, body)
}

func (s *Stage) must(ctx context.Context, method, path, body string) (Answer, error) {
	a, err := s.Ask(ctx, method, path, body)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, path, a)
	}
	return a, err
}

// Session looks a session up. It wakes nothing; the phase of one that is not there is "none".
func (s *Stage) Session(ctx context.Context, template, key string) (client.Session, error) {
	found, err := s.API.Get(ctx, client.Ref{Namespace: s.Namespace, Template: template, Key: key})
	var p *client.Problem
	if errors.As(err, &p) && p.Status == http.StatusNotFound {
		return client.Session{Template: template, Key: key, Phase: "none"}, nil
	}
	return found, err
}

// Becomes waits until a session is in a phase.
func (s *Stage) Becomes(ctx context.Context, template, key, phase string) (found client.Session, err error) {
	err = s.Until(ctx, fmt.Sprintf("%s %s is %s", template, Short(key), phase), func() (bool, error) {
		found, err = s.Session(ctx, template, key)
		return found.Phase == phase, err
	})
	if err != nil {
		return found, fmt.Errorf("%w; it is %s", err, found.Phase)
	}
	return found, nil
}

// Exit says how the last pod of a session has ended.
func Exit(found client.Session) string {
	e := found.LastExit
	switch {
	case e == nil:
		return "not recorded"
	case e.Code == nil:
		return fmt.Sprintf("epoch %d: %s", e.Epoch, e.Reason)
	}
	return strings.TrimSpace(fmt.Sprintf("epoch %d: %s, exit code %d %s", e.Epoch, e.Reason, *e.Code, e.Message))
}
