package story

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestAStoryEndsWithTheFirstLineThatIsNotSo(t *testing.T) {
	var seen []string
	line := func(says string, err error) Line {
		return Line{Says: says, Look: func(context.Context, *Stage) error { seen = append(seen, says); return err }}
	}
	no := errors.New("no")
	err := newStage("http://127.0.0.1:1", "x").play(t.Context(), []Line{line("a", nil), line("b", no), line("c", nil)})
	if !errors.Is(err, no) || strings.Join(seen, "") != "ab" {
		t.Errorf("%v after %s", err, seen)
	}
}

func TestALineMayTakeAsLongAsItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for may, want := range map[time.Duration]time.Duration{0: patience, 5 * time.Minute: 5 * time.Minute} {
			began := time.Now()
			wait := Line{Within: may, Look: func(ctx context.Context, s *Stage) error {
				return s.Until(ctx, "it is so", func() (bool, error) { return false, nil })
			}}
			err := newStage("http://127.0.0.1:1", "x").play(t.Context(), []Line{wait})
			if took := time.Since(began); !errors.Is(err, context.DeadlineExceeded) || took != want {
				t.Errorf("%v after %s, and %s was expected", err, took, want)
			}
		}
	})
}

func TestWhatTheGatewayAnswersItselfIsNoAnswerOfASession(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Dormouse-Reason", "NoRoute")
		w.WriteHeader(http.StatusNotFound)
	}))
	defer server.Close()
	s := newStage(server.URL, "x")
	if a, err := s.Ask(t.Context(), http.MethodGet, "/", ""); err != nil || a.Reason != "NoRoute" {
		t.Errorf("%s, %v", a, err)
	}
	if a, err := s.Get(t.Context(), "/"); err == nil {
		t.Errorf("%s is no error", a)
	}
	if found, err := s.Session(t.Context(), "a", "b"); err != nil || found.Phase != "none" {
		t.Errorf("a session that is not there: %q, %v", found.Phase, err)
	}
}
