package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// playerAt returns a player whose gateway answers like this.
func playerAt(t *testing.T, gateway http.HandlerFunc) *player {
	t.Helper()
	server := httptest.NewServer(gateway)
	t.Cleanup(server.Close)
	return &player{client: newClient(), url: server.URL, key: "a"}
}

func TestOnlyTheTableThatWasAskedForIsAnAnswer(t *testing.T) {
	for _, c := range []struct {
		what    string
		gateway http.HandlerFunc
		ok      bool
	}{
		{"the table", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"key": "a", "epoch": 1}`)) }, true},
		{"another table", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"key": "b", "epoch": 1}`)) }, false},
		{"no table", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("hello")) }, false},
		{"a refusal", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Dormouse-Reason", "WakeTimeout")
			w.WriteHeader(http.StatusGatewayTimeout)
		}, false},
	} {
		a, err := playerAt(t, c.gateway).get(t.Context(), "a")
		if (err == nil) != c.ok {
			t.Errorf("%s: %s, %v", c.what, a, err)
		}
	}
}

func TestTheNextPodGoesOnWhereTheLastStopped(t *testing.T) {
	before := answer{table: table{Epoch: 1, Pod: "p1", Moves: nil}}
	for _, c := range []struct {
		what string
		next table
		ok   bool
	}{
		{"the next epoch", table{Epoch: 2, Pod: "p2"}, true},
		{"an epoch left out", table{Epoch: 3, Pod: "p2"}, false},
		{"the same pod", table{Epoch: 2, Pod: "p1"}, false},
		{"a move too many", table{Epoch: 2, Pod: "p2", Moves: []json.RawMessage{[]byte("1")}}, false},
	} {
		p := &player{last: before}
		if err := p.continued(answer{table: c.next}); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.what, err)
		}
	}
}

func TestTheKillScriptKillsTheProcessOfOneKey(t *testing.T) {
	if _, err := os.Stat("/proc/self/environ"); err != nil {
		t.Skipf("SKIPPED: the script is for Linux: %v", err)
	}
	processes := map[string]*exec.Cmd{"demo-test-key": nil, "demo-test-key2": nil}
	ended := make(chan string, len(processes))
	for key := range processes {
		cmd := exec.CommandContext(t.Context(), "sleep", "60")
		cmd.Env = []string{"PATH=/usr/bin:/bin", "SESSION_KEY=" + key}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		processes[key] = cmd
		go func() { _ = cmd.Wait(); ended <- key }()
	}
	out, err := exec.CommandContext(t.Context(), "sh", "-c", killScript, "sh", "demo-test-key").Output()
	if want := strconv.Itoa(processes["demo-test-key"].Process.Pid); err != nil || strings.TrimSpace(string(out)) != want {
		t.Errorf("the script says %q, %v; want %s", out, err, want)
	}
	if key := <-ended; key != "demo-test-key" {
		t.Errorf("the process of %s has ended", key)
	}
}

func TestSpread(t *testing.T) {
	got := spread([]time.Duration{3 * time.Millisecond, 1500 * time.Microsecond, 9 * time.Millisecond})
	if want := "fastest 1.5 ms, median 3.0 ms, slowest 9.0 ms"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
