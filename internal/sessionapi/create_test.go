package sessionapi_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
)

// A look wakes nothing, and one at what is not there makes nothing.
func TestLook(t *testing.T) {
	w := newWorld(t)
	w.has("table-42")
	a := w.ask("GET", chess+"/table-42", "")
	var s client.Session
	a.into(t, &s)
	if a.status != 200 || s.Ref() != (client.Ref{Namespace: "games", Template: "chess", Key: "table-42"}) || s.Phase != "Asleep" {
		t.Errorf("%d: %+v", a.status, s)
	}
	if a = w.ask("GET", chess+"/unknown", ""); a.status != 404 || a.reason() != "NotFound" || a.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d %s: %s", a.status, a.reason(), a.body)
	}
	if len(w.touched) > 0 || len(w.sessions) != 1 {
		t.Errorf("touched: %v, sessions: %v", w.touched, w.sessions)
	}
}

// The key is one segment, whatever it decodes to; nothing else of a path has two meanings.
func TestPaths(t *testing.T) {
	w := newWorld(t)
	for _, k := range []string{"a/b", "../..", ".", "..", "a b", "日本", "a%2Fb", "x?y#z;v", "-", "wake"} {
		w.has(k)
		escaped := strings.ReplaceAll(url.PathEscape(k), ".", "%2E")
		var s client.Session
		if a := w.ask("GET", chess+"/"+escaped, ""); a.status != 200 {
			t.Errorf("key %q: %d %s", k, a.status, a.body)
		} else if a.into(t, &s); s.Key != k {
			t.Errorf("key %q came as %q", k, s.Key)
		}
	}
	for path, want := range map[string]string{
		chess + "/%zz":                          "", // refused by net/http
		chess + "/%FF":                          "BadKey",
		chess + "/a%00b":                        "BadKey",
		chess + "/":                             "BadKey",
		chess + "/" + strings.Repeat("a", 1025): "BadKey",
		chess + "/a/b":                          "NoRoute",
		chess + "/a/wake/":                      "NoRoute",
		chess + "/../sessions/a":                "NoRoute",
		"/.well-known//dormouse/v1/self":        "NoRoute",
		"/.well-known/dormouse/v1/self/":        "NoRoute",
		"/.well-known/dormouse%2Fv1/self":       "NoRoute",
		client.Root + "namespaces/Games/templates/chess/sessions/a": "NoRoute",
		client.Root + "namespaces/games/templates/a%2Fb/sessions/a": "NoRoute",
		client.Root: "NoRoute",
	} {
		if want == "" {
			continue
		}
		if a := w.ask("GET", path, ""); a.reason() != want {
			t.Errorf("%s: %d %s, want %s", path, a.status, a.reason(), want)
		}
	}
	if a := w.ask("PATCH", chess+"/a", ""); a.status != 405 || a.header.Get("Allow") != "DELETE, GET, PUT" {
		t.Errorf("%d, Allow: %s", a.status, a.header.Get("Allow"))
	}
}

// 000-03: who comes second is told that it is there, and that is no error.
func TestPutTwice(t *testing.T) {
	w := newWorld(t)
	first := w.ask("PUT", chess+"/a", "")
	second := w.ask("PUT", chess+"/a", `{}`)
	if first.status != 201 || second.status != 200 || first.body != second.body {
		t.Errorf("%d %s, then %d %s", first.status, first.body, second.status, second.body)
	}
}

func TestPutIsRefused(t *testing.T) {
	w := newWorld(t, open)
	w.has("there")
	for name, c := range map[string]struct {
		path, body string
		status     int
		reason     string
	}{
		"not JSON":         {"/a", `{`, 400, "BadBody"},
		"an unknown field": {"/a", `{"inputt": "x"}`, 400, "BadBody"},
		"two values":       {"/a", `{} {}`, 400, "BadBody"},
		"not UTF-8":        {"/a", "{\"input\": \"\xff\"}", 400, "BadBody"},
		"a large input":    {"/a", `{"input": "` + strings.Repeat("x", client.MaxInput+1) + `"}`, 413, "TooLarge"},
		"a large body":     {"/a", `{"input": "` + strings.Repeat("x", 7*client.MaxInput) + `"}`, 413, "TooLarge"},
		"many alarms":      {"/a", `{"alarms": [` + strings.Repeat(`"",`, client.MaxAlarms) + `""]}`, 413, "TooLarge"},
		"the pattern":      {"/!a", ``, 404, "KeyRejected"},
		"another is there": {"/there", `{"tenant": "bob"}`, 409, "ExistsOtherwise"},
		"a limit":          {"/full", ``, 429, "LimitReached"},
	} {
		if a := w.ask("PUT", chess+c.path, c.body); a.status != c.status || a.reason() != c.reason {
			t.Errorf("%s: %d %s: %s", name, a.status, a.reason(), a.body)
		}
	}
	if a := w.ask("PUT", strings.Replace(chess, "chess", "go", 1)+"/a", ""); a.status != 404 || !strings.Contains(a.body, "TemplateNotFound") {
		t.Errorf("an unknown template: %d %s", a.status, a.body)
	}
	if len(w.sessions) != 1 {
		t.Errorf("made: %v", w.sessions)
	}
	if a := w.ask("PUT", chess+"/a", `{"input": "`+strings.Repeat(`\u0001`, client.MaxInput)+`"}`); a.status != 201 {
		t.Errorf("the largest input, in the longest way to write it: %d %s", a.status, a.body)
	}
}

// 000-41, 000-42, 000-45: what is acknowledged is stored, in the order of the lines; the same batch again makes nothing.
func TestBatch(t *testing.T) {
	w := newWorld(t, open)
	var batch strings.Builder
	for i := range 100 {
		fmt.Fprintf(&batch, "{\"key\": \"job-%d\", \"tenant\": \"alice\", \"input\": \"%d\"}\r\n\n", i, i)
	}
	for _, want := range []struct {
		status int
		reason string
	}{{201, "Created"}, {200, "Exists"}} {
		results := w.batch(batch.String())
		if len(results) != 100 || len(w.sessions) != 100 {
			t.Fatalf("%d results, %d sessions", len(results), len(w.sessions))
		}
		for i, r := range results {
			if r.Line != 2*i+1 || r.Key != fmt.Sprintf("job-%d", i) || r.Status != want.status || r.Reason != want.reason || !r.Stored() {
				t.Fatalf("line %d: %+v", i, r)
			}
		}
	}
}

// A line that is wrong spoils no other.
func TestBatchTellsEachLineApart(t *testing.T) {
	w := newWorld(t, open)
	w.has("there")
	lines := []string{
		`{"key": "good"}`, `{"key": "full"}`, `nonsense`, `{"key": "a", "colour": "red"}`, `{"key": ""}`, `{"key": "\ud800"}`,
		`{"key": "there", "tenant": "bob"}`, `{"key": "!a"}`, `{"key": "b", "input": "` + strings.Repeat("x", client.MaxLine) + `"}`, `{"key": "last"}`,
	}
	want := []string{"201 Created", "429 LimitReached", "400 BadBody", "400 BadBody", "400 BadKey", "400 BadKey", "409 ExistsOtherwise", "404 KeyRejected", "413 TooLarge", "201 Created"}
	results := w.batch(strings.Join(lines, "\n"))
	if len(results) != len(want) {
		t.Fatalf("%d results", len(results))
	}
	for i, r := range results {
		if got := fmt.Sprint(r.Status, " ", r.Reason); got != want[i] {
			t.Errorf("line %d: %+v, want %s", i+1, r, want[i])
		}
	}
	if results[1].RetryAfter != 3 || results[1].Limit != "limits.createsPerMinute" {
		t.Errorf("the limit: %+v", results[1])
	}
}

func TestBatchIsBounded(t *testing.T) {
	w := newWorld(t)
	var batch strings.Builder
	for i := range client.MaxBatch + 10 {
		fmt.Fprintf(&batch, "{\"key\": \"job-%d\"}\n", i)
	}
	results := w.batch(batch.String())
	if len(results) != client.MaxBatch+1 || len(w.sessions) != client.MaxBatch || results[client.MaxBatch].Reason != "TooLarge" {
		t.Errorf("%d results, %d sessions, the last: %+v", len(results), len(w.sessions), results[len(results)-1])
	}
	large := strings.Repeat(`{"key": "a", "input": "`+strings.Repeat("x", 60<<10)+`"}`+"\n", 300)
	results = w.batch(large)
	if last := results[len(results)-1]; last.Limit != "bytes" || len(results) > 290 {
		t.Errorf("%d results, the last: %+v", len(results), last)
	}
}

// A batch makes eight at once, and no more once its client is gone.
func TestBatchEndsWithItsClient(t *testing.T) {
	w := newWorld(t)
	w.hold = make(chan struct{})
	var batch strings.Builder
	for i := range 100 {
		fmt.Fprintf(&batch, "{\"key\": \"job-%d\"}\n", i)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.cancelled(chess, batch.String(), func() bool {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.making == 8
		})
	}()
	<-ended
	w.eventually("the rest is given up", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.making == 0
	})
	if w.most != 8 || len(w.sessions) != 0 {
		t.Errorf("%d at once, %d made", w.most, len(w.sessions))
	}
}

// On whose account a session is made: the caller's, and another's only by one who has none.
func TestAccount(t *testing.T) {
	for name, c := range map[string]struct {
		caller access.Caller
		open   bool
		asked  string
		status int
		tenant string
	}{
		"nobody, for nobody":            {status: 201},
		"nobody, for a tenant":          {asked: "alice", status: 403},
		"nobody, at an open gateway":    {asked: "alice", open: true, status: 201, tenant: "alice"},
		"a tenant":                      {caller: access.Caller{Subject: "a", Tenant: "alice"}, status: 201, tenant: "alice"},
		"a tenant that says so":         {caller: access.Caller{Subject: "a", Tenant: "alice"}, asked: "alice", status: 201, tenant: "alice"},
		"a tenant, for another":         {caller: access.Caller{Subject: "a", Tenant: "alice"}, asked: "bob", status: 403},
		"a tenant, for another, openly": {caller: access.Caller{Subject: "a", Tenant: "alice"}, asked: "bob", open: true, status: 403},
		"somebody without a tenant":     {caller: access.Caller{Subject: "platform"}, asked: "bob", status: 201, tenant: "bob"},
	} {
		w := newWorld(t, knows(c.caller), func(w *world) { w.api.Open = c.open })
		a := w.ask("PUT", chess+"/a", `{"tenant": "`+c.asked+`"}`)
		if a.status != c.status {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
		if a.status == http.StatusCreated {
			var s client.Session
			if a.into(t, &s); s.Tenant != c.tenant {
				t.Errorf("%s: on the account of %q", name, s.Tenant)
			}
		}
	}
}
