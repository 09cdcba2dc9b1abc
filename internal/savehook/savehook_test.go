package savehook

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
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
	return &Hooks{Client: &http.Client{Transport: a}, Now: time.Now, Ended: func(s types.NamespacedName) { *ended = append(*ended, s) }}, ended
}

var first = Save{Drain: "1", URL: "http://127.0.0.1/save", Timeout: time.Second}

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

// The save of a drain that was taken back is broken off, and its end is not told.
func TestNewDrainVoidsTheSaveBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, ended := hooks(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/save" {
				<-r.Context().Done()
				return nil, errors.New("broken off")
			}
			return status(200)
		})
		h.Begin(table, first)
		h.Begin(table, Save{Drain: "2", URL: "http://127.0.0.1/again", Timeout: time.Second})
		synctest.Wait()
		if !h.State(table, "2").Done || len(*ended) != 1 {
			t.Errorf("state %+v, told %v", h.State(table, "2"), *ended)
		}
		h.Forget(table)
		if h.State(table, "2").Done {
			t.Error("not forgotten")
		}
	})
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
	h := &Hooks{Client: &http.Client{}, H2C: H2C(), Now: time.Now, Ended: func(types.NamespacedName) { close(ended) }}
	h.Begin(table, Save{Drain: "1", URL: pod.URL + "/save", Timeout: 10 * time.Second, H2C: true})
	<-ended
	if s := h.State(table, "1"); !s.Done || s.Err != nil {
		t.Errorf("state %+v", s)
	}
}
