package sessionapi_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func TestSelf(t *testing.T) {
	w := newWorld(t)
	w.has("a")
	w.pods["good"] = sessionapi.Pod{Namespace: "games", Name: "chess.a", UID: "pod-1"}
	var me client.Identity
	a := w.ask("GET", client.Root+"self", "", bearer("good"))
	if a.into(t, &me); a.status != 200 || me.Pod != "pod-1" || me.Session.Key != "a" {
		t.Errorf("%d %s", a.status, a.body)
	}
	for text, want := range map[string]time.Duration{"10m": 10 * time.Minute, "90": 90 * time.Second, "0": 0, "24h": 24 * time.Hour} {
		if a := w.ask("POST", client.Root+"self/busy", `{"for": "`+text+`"}`, bearer("good")); a.status != 200 || w.busy != want {
			t.Errorf("busy for %s: %d %s, %s", text, a.status, a.body, w.busy)
		}
	}
	for _, text := range []string{"", "-1s", "24h1s", "soon"} {
		if a := w.ask("POST", client.Root+"self/busy", `{"for": "`+text+`"}`, bearer("good")); a.status != 400 {
			t.Errorf("busy for %q: %d %s", text, a.status, a.body)
		}
	}
	a = w.ask("PUT", client.Root+"self/alarms", `["2026-12-24T18:00:00Z"]`, bearer("good"))
	if a.into(t, &me); a.status != 200 || len(me.Session.Alarms) != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if a = w.ask("POST", client.Root+"self/sleep", "", bearer("good")); a.status != 200 || len(w.slept) != 1 {
		t.Errorf("%d %s", a.status, a.body)
	}
}

func TestSelfNeedsAToken(t *testing.T) {
	w := newWorld(t)
	basic := func(r *http.Request) { r.SetBasicAuth("a", "b") }
	for name, change := range map[string]func(*http.Request){"another": bearer("bad"), "an empty": bearer(""), "no": func(*http.Request) {}, "a basic": basic} {
		for _, call := range []string{"GET self", "POST self/busy", "PUT self/alarms", "POST self/sleep"} {
			method, path, _ := strings.Cut(call, " ")
			if a := w.ask(method, client.Root+path, `{"for": "1m"}`, change); a.status != 401 || a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s with %s token: %d %s", call, name, a.status, a.body)
			}
		}
	}
	if w.busy != 0 {
		t.Error("busy all the same")
	}
}
