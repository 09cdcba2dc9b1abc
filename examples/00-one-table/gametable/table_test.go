package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// newStore starts a real nats-server with JetStream on loopback and connects to it.
func newStore(t *testing.T) *nats.Conn {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoLog: true, NoSigs: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("nats-server does not start")
	}
	conn, err := nats.Connect(s.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// pod returns the table of a pod with that epoch, loaded.
func pod(t *testing.T, conn *nats.Conn, epoch int64) *table {
	t.Helper()
	tbl := &table{who: identity{key: "a", epoch: epoch, fence: 1000 + epoch, pod: fmt.Sprint("uid-", epoch)}}
	if err := tbl.load(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	return tbl
}

// call makes a request and returns status and body.
func call(t *testing.T, tbl *table, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler(tbl).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func moves(t *testing.T, tbl *table) string {
	t.Helper()
	v, err := tbl.look()
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(v.Moves)
	return string(text)
}

// 000-05, 004-21: a table is loaded by its key, with every move that was made.
func TestStateComesBackInTheNextPod(t *testing.T) {
	conn := newStore(t)
	first := pod(t, conn, 1)
	if got := first.loadedFrom; got != "nothing: a new table" {
		t.Errorf("loaded from %q", got)
	}
	if code, _ := call(t, first, "POST", "/move", `{"e2": "e4"}`); code != http.StatusOK {
		t.Fatalf("move: %d", code)
	}
	if code, body := call(t, first, "POST", "/save", ""); code != http.StatusNoContent {
		t.Fatalf("save: %d %s", code, body)
	}
	second := pod(t, conn, 2)
	if got := moves(t, second); got != `[{"e2":"e4"}]` {
		t.Errorf("the next pod has the moves %s", got)
	}
	_, body := call(t, second, "GET", "/", "")
	want := `{"key":"a","epoch":2,"pod":"uid-2","moves":[{"e2":"e4"}],"loadedFrom":"the store, as epoch 1 left it"}` + "\n"
	if body != want {
		t.Errorf("GET / answers\n%swant\n%s", body, want)
	}
}

// 000-33, 000-34: of two pods of one table, as after a network split, only the later one can write.
func TestALatePodCannotSave(t *testing.T) {
	conn := newStore(t)
	old := pod(t, conn, 1)
	next := pod(t, conn, 2) // has loaded, and saved nothing yet
	call(t, old, "POST", "/move", `"late"`)
	if code, _ := call(t, old, "POST", "/save", ""); code != http.StatusConflict {
		t.Errorf("the late pod's save: %d, want 409", code)
	}
	call(t, next, "POST", "/move", `"good"`)
	if err := next.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := moves(t, pod(t, conn, 3)); got != `["good"]` {
		t.Errorf("the store has %s", got)
	}
	late := &table{who: old.who}
	if err := late.load(t.Context(), conn); !errors.Is(err, errFenced) {
		t.Errorf("an old pod that loads late: %v, want errFenced", err)
	}
}

// 000-13: a save of what is saved writes nothing.
func TestACleanTableIsNotWrittenAgain(t *testing.T) {
	conn := newStore(t)
	tbl := pod(t, conn, 1)
	call(t, tbl, "POST", "/move", `1`)
	revisions := map[uint64]bool{}
	for range 3 {
		if err := tbl.save(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, revision, err := tbl.store.read(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		revisions[revision] = true
	}
	if len(revisions) != 1 {
		t.Errorf("three saves of one state made the revisions %v", revisions)
	}
}

func TestNoMoveIsLostBetweenSaves(t *testing.T) {
	conn := newStore(t)
	tbl := pod(t, conn, 1)
	var all sync.WaitGroup
	for i := range 100 {
		all.Go(func() {
			call(t, tbl, "POST", "/move", fmt.Sprint(i))
			if err := tbl.save(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got, want := moves(t, pod(t, conn, 2)), moves(t, tbl); got != want {
		t.Errorf("the next pod has\n%s\nwant\n%s", got, want)
	}
}

// 001-05: the process is there at once, and says when it has loaded.
func TestBeforeTheLoadNothingIsServed(t *testing.T) {
	tbl := &table{who: identity{key: "a", epoch: 1, fence: 1}}
	for _, request := range []string{"GET /", "GET /ready", "POST /move"} {
		method, path, _ := strings.Cut(request, " ")
		if code, _ := call(t, tbl, method, path, "{}"); code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d, want 503", request, code)
		}
	}
	if code, _ := call(t, pod(t, newStore(t), 1), "GET", "/ready", ""); code != http.StatusOK {
		t.Errorf("GET /ready of a loaded table: %d", code)
	}
}

func TestAMoveIsBounded(t *testing.T) {
	tbl := pod(t, newStore(t), 1)
	for _, body := range []string{"", "{", `"` + strings.Repeat("x", maxMoveBytes) + `"`} {
		if code, _ := call(t, tbl, "POST", "/move", body); code != http.StatusBadRequest {
			t.Errorf("a move of %d bytes: %d, want 400", len(body), code)
		}
	}
	move := `"` + strings.Repeat("x", maxMoveBytes-2) + `"`
	for range maxMoves {
		if code, body := call(t, tbl, "POST", "/move", move); code != http.StatusOK {
			t.Fatal(code, body)
		}
	}
	if code, _ := call(t, tbl, "POST", "/move", move); code != http.StatusConflict {
		t.Errorf("one move too many: %d, want 409", code)
	}
	if code, body := call(t, tbl, "POST", "/save", ""); code != http.StatusNoContent {
		t.Errorf("save of a full table: %d %s", code, body)
	}
}

func TestTheIdentityComesFromTheEnvironment(t *testing.T) {
	env := map[string]string{"SESSION_KEY": "a", "SESSION_EPOCH": "7", "SESSION_FENCE": "1048583", "POD_UID": "u"}
	who, err := identityFrom(func(name string) string { return env[name] })
	if want := (identity{key: "a", epoch: 7, fence: 1048583, pod: "u"}); err != nil || who != want {
		t.Errorf("got %+v, %v", who, err)
	}
	for _, name := range []string{"SESSION_KEY", "SESSION_EPOCH", "SESSION_FENCE"} {
		_, err := identityFrom(func(n string) string {
			if n == name {
				return ""
			}
			return env[n]
		})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}

func TestALoadEndsWithItsContext(t *testing.T) {
	conn := newStore(t)
	conn.Close()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := (&table{who: identity{key: "a", epoch: 1, fence: 1}}).load(ctx, conn); err == nil {
		t.Error("a load from a closed connection succeeds")
	}
}
