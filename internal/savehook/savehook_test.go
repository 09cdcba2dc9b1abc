package savehook

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

var table = types.NamespacedName{Namespace: "games", Name: "chess.a"}

type answer func(r *http.Request) (*http.Response, error)

func (a answer) RoundTrip(r *http.Request) (*http.Response, error) { return a(r) }

func status(code int) (*http.Response, error) {
	return &http.Response{StatusCode: code, Body: io.NopCloser(strings.NewReader("no room"))}, nil
}

func hooks(a answer) (*Hooks, *[]types.NamespacedName) {
	ended := &[]types.NamespacedName{}
	return &Hooks{HTTP: a, Now: time.Now, Ended: func(s types.NamespacedName) { *ended = append(*ended, s) }}, ended
}

var first = Save{For: "1", URL: "http://127.0.0.1/save", Timeout: time.Second}

func TestSaveEndsAndTells(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ended := hooks(func(*http.Request) (*http.Response, error) { return status(204) })
		h.Begin(table, first)
		synctest.Wait()
		if s := h.State(table, "1"); !s.Done || s.Running || len(*ended) != 1 {
			t.Errorf("state %+v, told %v", s, *ended)
		}
		if s := h.State(table, "2"); s.Done {
			t.Error("the save of one drain counts for another")
		}
	})
}

func TestFailedSaveIsTriedAgainLaterAndLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hooks(func(*http.Request) (*http.Response, error) { return status(500) })
		for _, want := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second} {
			h.Begin(table, first)
			synctest.Wait()
			s := h.State(table, "1")
			if s.Err == nil || !strings.Contains(s.Err.Error(), "500: no room") || time.Until(s.RetryAt) != want {
				t.Fatalf("state %+v, want a retry in %v", s, want)
			}
		}
	})
}

func TestSaveHasATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := hooks(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
		h.Begin(table, first)
		time.Sleep(2 * time.Second)
		if s := h.State(table, "1"); s.Running || s.Err == nil {
			t.Errorf("state %+v", s)
		}
	})
}

// A save that lasts is not overtaken by the next one, which might write before it. What it has saved is not the last word: the next one comes when it has
// ended.
func TestNoTwoSavesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun, goOn := 0, make(chan struct{})
		h, ended := hooks(func(*http.Request) (*http.Response, error) {
			begun++
			<-goOn
			return status(200)
		})
		second := Save{For: "2", URL: first.URL, Timeout: time.Second}
		h.Begin(table, first)
		synctest.Wait()
		h.Begin(table, second)
		synctest.Wait()
		if s := h.State(table, "2"); begun != 1 || !s.Running || s.Done {
			t.Fatalf("%d saves are under way, state %+v", begun, s)
		}
		close(goOn)
		synctest.Wait()
		if s := h.State(table, "2"); s.Running || s.Done || len(*ended) != 1 {
			t.Fatalf("state %+v, told %v", s, *ended)
		}
		h.Begin(table, second)
		synctest.Wait()
		if s := h.State(table, "2"); !s.Done || begun != 2 || len(*ended) != 2 {
			t.Errorf("%d saves, state %+v, told %v", begun, s, *ended)
		}
	})
}

// Saves for which nobody waits take turns, and give way to one for which somebody does; that one waits for no turn.
func TestSavesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun []string
		goOn := make(chan struct{})
		var mu sync.Mutex
		h, _ := hooks(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			begun = append(begun, r.URL.Path)
			mu.Unlock()
			<-goOn
			return status(200)
		})
		h.Ended = func(types.NamespacedName) {}
		name := func(i int) types.NamespacedName { return types.NamespacedName{Name: strconv.Itoa(i)} }
		idle := Save{For: "idle", URL: "http://127.0.0.1/idle", Timeout: time.Second, Turn: "games/chess"}
		for i := range turnsAtOnce + 2 {
			h.Begin(name(i), idle)
			synctest.Wait()
		}
		if len(begun) != turnsAtOnce {
			t.Fatalf("%d are under way", len(begun))
		}
		time.Sleep(idle.Timeout / 2) // the time-out is that of the request, not of the turn
		late, next := name(turnsAtOnce), name(turnsAtOnce+1)
		if s := h.State(late, "idle"); !s.Running {
			t.Errorf("one that waits for its turn: %+v", s)
		}
		if s := h.State(late, "sleep"); s.Running {
			t.Errorf("one that waits for its turn is in the way of a sleep: %+v", s)
		}
		h.Begin(late, Save{For: "sleep", URL: "http://127.0.0.1/sleep", Timeout: time.Second})
		synctest.Wait()
		if len(begun) != turnsAtOnce+1 || begun[turnsAtOnce] != "/sleep" {
			t.Fatalf("%d are under way, the last one %s", len(begun), begun[len(begun)-1])
		}
		h.Begin(table, Save{For: "idle", URL: "http://127.0.0.1/other", Timeout: time.Second, Turn: "games/go"})
		synctest.Wait()
		if begun[len(begun)-1] != "/other" {
			t.Fatal("one template is in the way of another")
		}
		close(goOn)
		synctest.Wait()
		if s := h.State(late, "sleep"); !s.Done {
			t.Errorf("the save for a sleep: %+v", s)
		}
		if s := h.State(next, "idle"); !s.Done || len(begun) != turnsAtOnce+3 {
			t.Errorf("the last one in the queue: %+v, %d were made", s, len(begun))
		}
	})
}

// A pod that has ended is asked no longer, and the end of that is not told.
func TestForgottenSaveIsBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ended := hooks(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() })
		h.Begin(table, first)
		h.Forget(table)
		synctest.Wait()
		if s := h.State(table, "1"); s != (State{}) || len(*ended) != 0 {
			t.Errorf("state %+v, told %v", s, *ended)
		}
	})
}

// A redirect is no save, and is not followed: to where is the pod's word, and what answers there has saved nothing.
func TestSaveFollowsNoRedirect(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		synctest.Test(t, func(t *testing.T) {
			made := 0
			h, _ := hooks(func(*http.Request) (*http.Response, error) {
				if made++; made > 1 {
					return status(200)
				}
				answer, err := status(code)
				answer.Header = http.Header{"Location": {"http://127.0.0.1/login"}}
				return answer, err
			})
			h.Begin(table, first)
			synctest.Wait()
			if s := h.State(table, "1"); s.Done || s.Err == nil || made != 1 {
				t.Errorf("%d: state %+v, %d requests", code, s, made)
			}
		})
	}
}

// A pod that speaks HTTP/2 is saved over it.
func TestSaveOverH2C(t *testing.T) {
	pod := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 || r.Method != http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	pod.Config.Protocols = &http.Protocols{}
	pod.Config.Protocols.SetUnencryptedHTTP2(true)
	pod.Start()
	defer pod.Close()
	ended := make(chan struct{})
	h := &Hooks{HTTP: HTTP(), H2C: H2C(), Now: time.Now, Ended: func(types.NamespacedName) { close(ended) }}
	h.Begin(table, Save{For: "1", URL: pod.URL + "/save", Timeout: 10 * time.Second, H2C: true})
	<-ended
	if s := h.State(table, "1"); !s.Done || s.Err != nil {
		t.Errorf("state %+v", s)
	}
}
