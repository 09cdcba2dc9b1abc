package sessionapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// Whom nobody knows may do what a request does, and no more, unless the gateway is open.
func TestAnyone(t *testing.T) {
	const closed, makes, opened, both = 0, 1, 2, 3
	for verb, want := range map[access.Verb][4]bool{
		access.Look:   {true, true, true, true},
		access.Wake:   {true, true, true, true},
		access.Use:    {true, true, true, true},
		access.Create: {closed: false, makes: true, opened: true, both: true},
		access.Sleep:  {closed: false, makes: false, opened: true, both: true},
		access.Delete: {closed: false, makes: false, opened: true, both: true},
		"another":     {closed: false, makes: false, opened: true, both: true},
	} {
		for i, may := range want {
			if got := sessionapi.Anyone(verb, i&makes != 0, i&opened != 0); got != may {
				t.Errorf("%s, requests make sessions: %v, open: %v: %v, want %v", verb, i&makes != 0, i&opened != 0, got, may)
			}
		}
	}
}

// Each call asks for its own verb, before it does anything.
func TestCallsAreAuthorized(t *testing.T) {
	calls := []struct {
		method, path string
		verb         access.Verb
	}{
		{"GET", "/a", access.Look},
		{"GET", "/a/explain", access.Look},
		{"GET", "/a/watch", access.Look},
		{"PUT", "/b", access.Create},
		{"POST", "/a/wake", access.Wake},
		{"POST", "/a/sleep", access.Sleep},
		{"DELETE", "/a", access.Delete},
	}
	for _, c := range calls {
		w := newWorld(t)
		w.has("a")
		var asked []access.Verb
		deny := sessionapi.AsAnyone(false)
		w.api.Authorize = func(r *http.Request, target *resolve.Target, v access.Verb) (access.Caller, error) {
			asked = append(asked, v)
			target.Create = false
			return deny(r, target, access.Delete)
		}
		a := w.ask(c.method, chess+c.path, "")
		if a.status != 403 || a.reason() != "Forbidden" || len(asked) != 1 || asked[0] != c.verb {
			t.Errorf("%s %s: %d %s, asked for %v", c.method, c.path, a.status, a.reason(), asked)
		}
		if len(w.sessions) != 1 || len(w.touched)+len(w.slept) > 0 {
			t.Errorf("%s %s has an effect", c.method, c.path)
		}
	}
}

func TestAnyoneMakesNothingWhereNoRequestDoes(t *testing.T) {
	w := newWorld(t, func(w *world) { w.create = false })
	if a := w.ask("PUT", chess+"/a", ""); a.status != 403 {
		t.Errorf("%d %s", a.status, a.body)
	}
	if r := w.batch(`{"key": "a"}`); r[0].Status != 403 || r[0].Reason != "Forbidden" {
		t.Errorf("%+v", r)
	}
	for _, c := range []struct{ method, path string }{{"DELETE", "/a"}, {"POST", "/a/sleep"}} {
		if a := w.ask(c.method, chess+c.path, ""); a.status != 403 || !strings.Contains(a.body, "not for everybody") {
			t.Errorf("%s: %d %s", c.path, a.status, a.body)
		}
	}
}

// Who may do what is the template's to say: without it nobody is told anything, unless the gateway is open.
func TestSessionsWithoutATemplate(t *testing.T) {
	path := strings.Replace(chess, "chess", "gone", 1) + "/a"
	for _, call := range []string{"GET ", "GET /explain", "GET /watch", "PUT ", "POST /wake", "POST /wake?wait=true", "POST /sleep", "DELETE "} {
		for _, opened := range []bool{false, true} {
			w := newWorld(t, func(w *world) {
				if opened {
					open(w)
				}
				w.sessions[directory.ID{Namespace: "games", Name: "gone.a"}] = client.Session{Key: "a", UID: "u"}
				w.news = nil
			})
			method, rest, _ := strings.Cut(call, " ")
			if rest == "/watch" && opened {
				_, end := w.stream(path + rest)
				end()
				continue
			}
			a := w.ask(method, path+rest, "")
			left := opened && method != "PUT" && !strings.HasPrefix(rest, "/wake")
			if refused := a.status == 404 || a.status == 403; refused == left {
				t.Errorf("%s, open: %v: %d %s", call, opened, a.status, a.body)
			}
		}
	}
}

// A template that says who may is asked, also at an open gateway; of any other, anybody may what a request does.
func TestByTemplate(t *testing.T) {
	asked := 0
	known := func(*http.Request, *resolve.Target, access.Verb) (access.Caller, error) {
		asked++
		return access.Caller{Subject: "alice"}, nil
	}
	says := &resolve.Target{Template: &resolve.Template{Access: &access.Policy{}}}
	saysNot := &resolve.Target{Template: &resolve.Template{}}
	for _, opened := range []bool{false, true} {
		asked = 0
		by := sessionapi.ByTemplate(known, opened)
		if c, err := by(nil, says, access.Delete); err != nil || c.Subject != "alice" || asked != 1 {
			t.Errorf("open: %v: %+v, %v, asked %d times", opened, c, err, asked)
		}
		if _, err := by(nil, saysNot, access.Delete); (err == nil) != opened || asked != 1 {
			t.Errorf("open: %v: %v, asked %d times", opened, err, asked)
		}
	}
}
