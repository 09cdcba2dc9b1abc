package gateway_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
)

// What a pod says of how long it stays awake goes to the session, and not to the client (000-10, 000-26, 000-57).
func TestWhatAWorkloadSays(t *testing.T) {
	const nothing = -1
	for _, c := range []struct {
		idle, busy         []string
		idleAfter, busyFor time.Duration
		ignored            float64
	}{
		{nil, nil, nothing, nothing, 0},
		{[]string{"90s"}, nil, 90 * time.Second, nothing, 0},
		{[]string{"90"}, []string{"10m"}, 90 * time.Second, 10 * time.Minute, 0},
		{nil, []string{"24h"}, nothing, 24 * time.Hour, 0},
		{[]string{"720h"}, []string{"0"}, 720 * time.Hour, nothing, 0},
		{[]string{"1ns"}, nil, time.Second, nothing, 0},
		{[]string{"0"}, []string{"1m"}, 0, time.Minute, 0},
		{[]string{"0s"}, nil, 0, nothing, 0},
		{[]string{"720h1ns"}, []string{"24h1ns"}, nothing, nothing, 2},
		{[]string{"-1s"}, []string{"soon"}, nothing, nothing, 2},
		{[]string{""}, []string{"1m", "2m"}, nothing, nothing, 2},
		{[]string{"1.5"}, []string{"99999999999999999999"}, nothing, nothing, 2},
		{[]string{"forever"}, []string{"60"}, nothing, time.Minute, 1},
	} {
		w := awake(t, func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header()["Session-Idle-After"], rw.Header()["Session-Busy"] = c.idle, c.busy
			rw.Header().Set("Session-Mine", "stays")
		})
		res, _ := w.get("a", "/")
		if res.Header["Session-Idle-After"] != nil || res.Header["Session-Busy"] != nil || res.Header.Get("Session-Mine") != "stays" {
			t.Errorf("%q, %q: the client sees %v", c.idle, c.busy, res.Header)
		}
		if got := w.metric("dormouse_gateway_ignored_headers_total", "Session-Idle-After") + w.metric("dormouse_gateway_ignored_headers_total", "Session-Busy"); got != c.ignored {
			t.Errorf("%q, %q: %v headers ignored, want %v", c.idle, c.busy, got, c.ignored)
		}
		if err := w.stop(); err != nil { // so that the visit has ended
			t.Error(err)
		}
		wantWord(t, w.dir.Word(id("a")), c.idleAfter, c.busyFor)
	}
}

// wantWord checks what the next touch says. Less than zero is nothing.
func wantWord(t *testing.T, got directory.Word, idleAfter, busy time.Duration) {
	t.Helper()
	if (got.IdleAfter == nil) != (idleAfter < 0) || got.IdleAfter != nil && *got.IdleAfter != idleAfter {
		t.Errorf("idle after %v, want %v", got.IdleAfter, idleAfter)
	}
	if (got.Busy == nil) != (busy < 0) || got.Busy != nil && (*got.Busy > busy || *got.Busy < busy-10*time.Second) {
		t.Errorf("busy for %v, want %v less what the test took", got.Busy, busy)
	}
}

// An answer that switches protocols says it too.
func TestWhatAWorkloadSaysWithAnUpgrade(t *testing.T) {
	onlyHTTP1(t, "HTTP/2 has no upgrade")
	w := awake(t, func(rw http.ResponseWriter, r *http.Request) {
		rw.Header().Set("Session-Busy", "1h")
		if c, err := websocket.Accept(rw, r, nil); err == nil {
			_ = c.CloseNow()
		}
	})
	res, _ := w.raw("GET / HTTP/1.1", host, "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
		"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
	if res.StatusCode != http.StatusSwitchingProtocols || res.Header["Session-Busy"] != nil {
		t.Errorf("got %s %v", res.Status, res.Header)
	}
	wantWord(t, w.dir.Word(id("a")), -1, time.Hour)
}

// A template's workload that nobody understands is in the log once.
func TestWhatNobodyUnderstandsIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) { g.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	w.publish("a", "pod-a", newPod(t, func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Session-Busy", strings.Repeat("x", 1000))
	}), 7)
	for range 3 {
		w.get("a", "/")
	}
	if err := w.stop(); err != nil {
		t.Error(err)
	}
	text := log.String()
	if strings.Count(text, "header of a pod ignored") != 1 || !strings.Contains(text, "template=chess") || strings.Contains(text, strings.Repeat("x", 65)) {
		t.Errorf("logged: %s", text)
	}
	if got := w.metric("dormouse_gateway_ignored_headers_total", "Session-Busy"); got != 3 {
		t.Errorf("%v headers ignored, want 3", got)
	}
}
