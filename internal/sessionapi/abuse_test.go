package sessionapi_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
	"github.com/dormouse-dev/dormouse/internal/sessionapi"
)

// One whom nobody knows brings about a session as a request does, and says nothing of it but its key, unless the template or the gateway trusts whoever comes.
func TestAnyoneSaysNothingOfASession(t *testing.T) {
	for field, spec := range map[string]string{
		"input": `"input": "x"`, "suspend": `"suspend": true`, "schedule": `"timeZone": "Asia/Tokyo"`, "alarms": `"alarms": ["2036-12-24T18:00:00Z"]`,
	} {
		w := newWorld(t)
		if a := w.ask("PUT", chess+"/a", "{"+spec+"}"); a.status != 403 || !strings.Contains(a.body, `"cause":"`+field+`"`) {
			t.Errorf("%s: %d %s", field, a.status, a.body)
		}
		if r := w.batch(`{"key": "b", ` + spec + `}`); r[0].Status != 403 || len(w.sessions) != 0 {
			t.Errorf("%s in a batch: %+v, %d made", field, r, len(w.sessions))
		}
		if a := newWorld(t, open).ask("PUT", chess+"/a", "{"+spec+"}"); a.status != 201 {
			t.Errorf("%s at an open gateway: %d %s", field, a.status, a.body)
		}
		says := newWorld(t, func(w *world) { w.access = &access.Policy{} }, knows(access.Caller{}))
		if a := says.ask("PUT", chess+"/a", "{"+spec+"}"); a.status != 201 {
			t.Errorf("%s where the template says that anyone may: %d %s", field, a.status, a.body)
		}
	}
}

// Who wakes too much as a request is told so here too; who is known is not counted.
func TestWakesAreCounted(t *testing.T) {
	tooMany := func(*resolve.Target) error {
		return &answer.Problem{Reason: answer.ReasonLimitReached, Status: http.StatusTooManyRequests, Limit: "gateway.wakesPerClient"}
	}
	for _, path := range []string{"/a/wake", "/a/wake?wait=true"} {
		w := newWorld(t, func(w *world) { w.api.AllowWake = tooMany })
		w.has("a")
		if a := w.ask("POST", chess+path, ""); a.status != 429 || len(w.touched) != 0 {
			t.Errorf("%s: %d %s, touched %v", path, a.status, a.body, w.touched)
		}
		knows(access.Caller{Subject: "alice"})(w)
		if a := w.ask("POST", chess+path, ""); a.status/100 != 2 {
			t.Errorf("%s of one who is known: %d %s", path, a.status, a.body)
		}
	}
}

// A page of another host cannot have the browser of somebody inside make calls that change something.
func TestForeignPages(t *testing.T) {
	w := newWorld(t, open, func(w *world) {
		w.api.Foreign = func(r *http.Request) bool { return r.Method != http.MethodGet && r.Header.Get("Origin") != "" }
	})
	w.has("a")
	origin := func(r *http.Request) { r.Header.Set("Origin", "https://elsewhere.test") }
	for _, call := range []string{"PUT /b", "POST /a/wake", "POST /a/sleep", "DELETE /a"} {
		method, path, _ := strings.Cut(call, " ")
		if a := w.ask(method, chess+path, "", origin); a.status != 403 || !strings.Contains(a.body, `"cause":"origin"`) {
			t.Errorf("%s: %d %s", call, a.status, a.body)
		}
		if a := w.ask(method, chess+path, ""); a.status/100 != 2 {
			t.Errorf("%s of no page: %d %s", call, a.status, a.body)
		}
	}
}

// Clients that do not send what they announce are in the way of each other alone, and pods of nobody.
func TestCallsThatStall(t *testing.T) {
	w := newWorld(t)
	w.has("a")
	w.pods["good"] = sessionapi.Pod{Namespace: "games", Name: "chess.a", UID: "pod-1"}
	for _, call := range []struct {
		head string
		most int
	}{{"PUT " + chess + "/b", 128}, {"POST " + chess, 16}} {
		for range call.most {
			w.stalls(call.head)
		}
		w.untilRefused(call.head)
	}
	if a := w.ask("GET", chess+"/a", ""); a.status != 200 {
		t.Errorf("who looks is told %d %s", a.status, a.body)
	}
	for range 200 {
		w.stalls("POST " + client.Root + "self/busy")
	}
	if a := w.ask("POST", client.Root+"self/busy", `{"for": "10m"}`, bearer("good")); a.status != 200 {
		t.Errorf("a pod is told %d %s", a.status, a.body)
	}
}

// stalls begins a call, and sends nothing of its body.
func (w *world) stalls(head string) net.Conn {
	w.t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(w.base, "http://"))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = c.Close() })
	_, _ = io.WriteString(c, head+" HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n")
	return c
}

// untilRefused waits until such a call finds no place.
func (w *world) untilRefused(head string) {
	w.t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		c := w.stalls(head)
		_ = c.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		if line, _ := bufio.NewReader(c).ReadString('\n'); strings.Contains(line, "503") {
			return
		}
	}
	w.t.Error("there is still a place")
}
