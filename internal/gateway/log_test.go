package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// journal is a log that a test reads.
type journal struct {
	wrote chan struct{} // a line, at least

	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	select {
	case j.wrote <- struct{}{}:
	default:
	}
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// line is the one line of the access log.
func (j *journal) line(t *testing.T) map[string]any { return j.lineOf(t, "request") }

// lineOf is the one line with that message. That of a WebSocket may come after the end of the server.
func (j *journal) lineOf(t *testing.T, message string) map[string]any {
	t.Helper()
	for {
		for text := range strings.Lines(j.String()) {
			line := map[string]any{}
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%v: %s", err, j)
			}
			if line["msg"] == message {
				return line
			}
		}
		select {
		case <-j.wrote:
		case <-time.After(10 * time.Second):
			t.Fatalf("no line %q: %s", message, j)
		}
	}
}

// logged is a gateway of the session "secret", which sleeps, and its log.
func logged(t *testing.T, names gateway.Names) (*world, *journal) {
	t.Helper()
	log := &journal{wrote: make(chan struct{}, 1)}
	w := newWorld(t, chess(), func(g *gateway.Gateway, _ *gateway.Server) {
		g.Log, g.Names = slog.New(slog.NewJSONHandler(log, nil)), names
	})
	pod := newPod(t, func(rw http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(rw, "move")
	})
	w.wakeBy(func(context.Context, directory.Wish) error {
		w.publish("secret", "0f1e2d3c-rest", pod, 7)
		return nil
	})
	return w, log
}

// Wherever the key of a request is, and whatever comes of the request, the log has the route and a hash of the session.
func TestLogHasNoKey(t *testing.T) {
	for _, tt := range []struct {
		name, route string
		lines       []string
		status      float64
	}{
		{"host", "{key}.chess.test", []string{"GET /app/secret HTTP/1.1", "Host: secret.chess.test"}, 200},
		{"path", "/chess/{key}/", []string{"GET /chess/secret/x HTTP/1.1", "Host: chess.test"}, 200},
		{"header", "X-Chess-Table: {key}", []string{"GET /x HTTP/1.1", "Host: chess.test", "X-Chess-Table: secret"}, 200},
		{"query", "{key}.chess.test", []string{"GET /?t=secret HTTP/1.1", "Host: secret.chess.test"}, 200},
		{"not woken", "{key}.chess.test", []string{"GET / HTTP/1.1", "Host: secret.chess.test", "Dormouse-Wake: no"}, 503},
		{"no route", "", []string{"GET /secret HTTP/1.1", "Host: secret.other.test"}, 404},
		{"redirect", "", []string{"GET /chess/secret HTTP/1.1", "Host: chess.test"}, 308},
		{"bad key", "", []string{"GET /chess/secret%2f/ HTTP/1.1", "Host: chess.test"}, 400},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w, log := logged(t, gateway.Names{Salt: "salt"})
			w.raw(append(tt.lines, "Connection: close")...)
			if err := w.stop(); err != nil {
				t.Fatal(err)
			}
			line := log.line(t)
			route, _ := line["route"].(string)
			if route != tt.route || line["status"] != tt.status {
				t.Errorf("%v", line)
			}
			if tt.route != "" && line["session"] != "4f809e79" {
				t.Errorf("the session is %v", line["session"])
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("the key is in it: %s", log)
			}
		})
	}
}

// What the log has of a request that waited.
func TestLog(t *testing.T) {
	w, log := logged(t, gateway.Names{Plain: true})
	w.raw("POST /move?t=x HTTP/1.1", "Host: secret.chess.test", "Connection: close", "Content-Length: 0")
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	line := log.line(t)
	for name, want := range map[string]any{
		"msg": "request", "method": "POST", "protocol": "HTTP/1.1", "status": 200.0, "reason": "", "bytesIn": 0.0, "bytesOut": 4.0,
		"route": "{key}.chess.test", "template": "games/chess", "session": "games/chess.secret", "pod": "0f1e2d3c", "epoch": 7.0,
		"host": "secret.chess.test", "path": "/move", "key": "secret",
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
	if waited, took := line["waited"].(float64), line["took"].(float64); waited <= 0 || took < waited {
		t.Errorf("it took %v ns and waited %v ns", took, waited)
	}
}

// Bytes are counted in both directions. A WebSocket has a line when it opens, and one with its bytes at its end.
func TestLogCountsBytes(t *testing.T) {
	t.Run("body", func(t *testing.T) {
		w, log := logged(t, gateway.Names{})
		w.do(w.request(http.MethodPost, "secret", "/", strings.NewReader(strings.Repeat("x", 100_000))))
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		if line := log.line(t); line["bytesIn"] != 100_000.0 || line["bytesOut"] != 4.0 {
			t.Errorf("%v", line)
		}
	})
	t.Run("WebSocket", func(t *testing.T) {
		onlyHTTP1(t, "HTTP/2 has no upgrade")
		w, log := logged(t, gateway.Names{})
		w.publish("secret", "pod", newPod(t, func(rw http.ResponseWriter, r *http.Request) {
			if conn, err := websocket.Accept(rw, r, nil); err == nil {
				_ = conn.Write(r.Context(), websocket.MessageText, []byte("hello"))
				_, _, _ = conn.Read(r.Context())
			}
		}), 1)
		conn, _, err := websocket.Dial(t.Context(), "ws://"+w.addr+"/", &websocket.DialOptions{Host: "secret.chess.test"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := conn.Read(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close(websocket.StatusNormalClosure, "")
		if err := w.stop(); err != nil {
			t.Fatal(err)
		}
		if line := log.line(t); line["status"] != 101.0 || line["pod"] != "pod" {
			t.Errorf("%v", line)
		}
		// 2 bytes of header and 5 of text, and a goodbye of 2 and 2; with 4 bytes of mask from the client
		line := log.lineOf(t, "websocket")
		if line["bytesIn"] != 8.0 || line["bytesOut"] != 11.0 || line["template"] != "games/chess" || line["session"] == "" || strings.Contains(log.String(), "secret") {
			t.Errorf("%v", line)
		}
	})
}

// What is told of the process is told on the admin port only: on the data port these paths are of sessions.
func TestDataPortTellsNothing(t *testing.T) {
	w := newWorld(t, chess())
	for _, path := range []string{"/metrics", "/debug/pprof/", "/debug/pprof/heap", "/livez", "/readyz", gateway.WellKnown + "metrics"} {
		res, body := w.raw("GET "+path+" HTTP/1.1", "Host: gateway.test", "Connection: close")
		wantProblem(t, res, body, 404, answer.ReasonNoRoute)
	}
}

// One session has one hash, whoever logs it, and no other salt has the same; of an error, only the name goes.
func TestNames(t *testing.T) {
	id := directory.ID{Namespace: "games", Name: "chess.secret"}
	hash := gateway.Names{Salt: "salt"}.Of(id)
	if hash != "4f809e79" || hash == (gateway.Names{Salt: "pepper"}).Of(id) {
		t.Errorf("the hash is %s", hash)
	}
	err := fmt.Errorf(`sessions.sessions.dormouse.dev "chess.secret" not found`)
	if got := (gateway.Names{Salt: "salt"}).In(err.Error(), id); got != `sessions.sessions.dormouse.dev "4f809e79" not found` {
		t.Errorf("got %s", got)
	}
}
