package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dormouse-dev/dormouse/examples/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// database connects, and makes a table of its own for a test, in the state that the columns say.
func database(t *testing.T, game, columns string) *pgx.Conn {
	t.Helper()
	postgrestest.Needed(t)
	conn, err := pgx.Connect(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	schema, err := os.ReadFile("../lobby/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.PgConn().Exec(t.Context(), string(schema)).ReadAll(); err != nil {
		t.Fatal(err)
	}
	set(t, conn, `INSERT INTO tables (game, key, house) VALUES ($1, $2, false)`, game, t.Name())
	if columns != "" {
		set(t, conn, `UPDATE tables SET `+columns+` WHERE key = $1`, t.Name())
	}
	return conn
}

func set(t *testing.T, conn *pgx.Conn, statement string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), statement, args...); err != nil {
		t.Fatal(err)
	}
}

// kept is what the database has of the test's table: moves, result and how often it was saved.
func kept(t *testing.T, conn *pgx.Conn) string {
	t.Helper()
	var moves, result string
	var saves int
	err := conn.QueryRow(t.Context(), `SELECT array_to_string(moves, ' '), result, saves FROM tables WHERE key = $1`, t.Name()).Scan(&moves, &result, &saves)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%s|%s|%d", moves, result, saves)
}

// process is a process of the test's table, with that epoch, not loaded yet.
func process(t *testing.T, game string, epoch int64) *table {
	return newTable(identity{key: t.Name(), epoch: epoch, fence: 1000 + epoch, pod: fmt.Sprint("uid-", epoch)}, game, 0, func() {})
}

func loaded(t *testing.T, game string, epoch int64) *table {
	t.Helper()
	tbl := process(t, game, epoch)
	if err := tbl.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return tbl
}

func call(t *testing.T, tbl *table, method, path, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	handler(tbl, time.Hour).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body)))
	return w
}

func moves(t *testing.T, tbl *table) string {
	t.Helper()
	v, err := tbl.look()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(v.Moves, " ")
}

// 000-05, 000-13, 004-21: a table is loaded by its key with every move that was made, and is not written again for being looked at.
func TestTheNextProcessGoesOn(t *testing.T) {
	conn := database(t, "nim", "")
	first := loaded(t, "nim", 1)
	for _, m := range []string{"a1", "b2\n"} {
		if w := call(t, first, "POST", "/move", m); w.Code != http.StatusOK {
			t.Fatal(m, w.Code, w.Body)
		}
	}
	for range 3 {
		if w := call(t, first, "POST", "/save", ""); w.Code != http.StatusNoContent {
			t.Fatal(w.Code, w.Body)
		}
	}
	if got := kept(t, conn); got != "a1 b2||1" {
		t.Errorf("the database has %s", got)
	}
	second := loaded(t, "nim", 2)
	want := `{"game":"nim","key":"` + t.Name() + `","epoch":2,"pod":"uid-2","moves":["a1","b2"],"board":"2 2 5"}` + "\n"
	if w := call(t, second, "GET", "/", ""); w.Body.String() != want {
		t.Errorf("GET / answers\n%swant\n%s", w.Body, want)
	}
	if err := second.save(t.Context()); err != nil || kept(t, conn) != "a1 b2||1" {
		t.Errorf("after a look the database has %s, %v", kept(t, conn), err)
	}
}

// 000-33, 000-34: of two processes of one table, as after a network split, only the later one writes.
func TestALateProcessCannotWrite(t *testing.T) {
	conn := database(t, "nim", "")
	old := loaded(t, "nim", 1)
	next := loaded(t, "nim", 2) // has loaded, and saved nothing yet
	call(t, old, "POST", "/move", "a3")
	if w := call(t, old, "POST", "/save", ""); w.Code != http.StatusConflict {
		t.Errorf("the late process's save: %d %s", w.Code, w.Body)
	}
	call(t, next, "POST", "/move", "a1")
	if err := next.save(t.Context()); err != nil {
		t.Error(err)
	}
	if got := kept(t, conn); got != "a1||1" {
		t.Errorf("the database has %s", got)
	}
	if err := process(t, "nim", 1).load(t.Context()); !errors.Is(err, errLate) {
		t.Errorf("an old process that loads late: %v", err)
	}
}

// 000-07: a table that nobody has made is an error of its start, and is not made by that.
func TestToLoadIsNotToCreate(t *testing.T) {
	conn := database(t, "nim", "")
	set(t, conn, `DELETE FROM tables WHERE key = $1`, t.Name())
	for range 2 {
		if err := process(t, "nim", 1).load(t.Context()); !errors.Is(err, errUnknown) {
			t.Errorf("load: %v", err)
		}
	}
}

// 000-11, 000-12: a move that comes during a save is taken, is not in that save, and is in the next one.
func TestAMoveDuringASave(t *testing.T) {
	conn := database(t, "nim", "")
	tbl := loaded(t, "nim", 1)
	call(t, tbl, "POST", "/move", "a1")
	slow, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := slow.Exec(t.Context(), `SELECT 1 FROM tables WHERE key = $1 FOR UPDATE`, t.Name()); err != nil {
		t.Fatal(err)
	}
	saved := make(chan error, 1)
	go func() { saved <- tbl.save(t.Context()) }()
	for waiting := 0; waiting == 0; { // until the save waits for the row
		if err := slow.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
		set(t, conn, `SELECT pg_stat_clear_snapshot()`)
	}
	if w := call(t, tbl, "POST", "/move", "b1"); w.Code != http.StatusOK {
		t.Errorf("the move: %d %s", w.Code, w.Body)
	}
	if err := errors.Join(slow.Commit(t.Context()), <-saved); err != nil || kept(t, conn) != "a1||1" {
		t.Errorf("after the first save the database has %s, %v", kept(t, conn), err)
	}
	if err := tbl.save(t.Context()); err != nil || kept(t, conn) != "a1 b1||2" {
		t.Errorf("after the second it has %s, %v", kept(t, conn), err)
	}
}

// 000-21: moves of one table come one after the other, and none is lost between saves.
func TestMovesComeOneAfterTheOther(t *testing.T) {
	conn := database(t, "tictactoe", "")
	tbl := loaded(t, "tictactoe", 1)
	var all sync.WaitGroup
	for i := range 18 {
		all.Go(func() {
			call(t, tbl, "POST", "/move", fmt.Sprint(i/2+1)) // each square twice
			if err := tbl.save(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	got := strings.Fields(moves(t, tbl))
	if once := slices.Compact(slices.Sorted(slices.Values(got))); len(once) != len(got) || len(got) < 5 {
		t.Errorf("the moves are %q", got)
	}
	if in, _, _ := strings.Cut(kept(t, conn), "|"); in != strings.Join(got, " ") {
		t.Errorf("the database has %s", in)
	}
}

func TestTheIdentityComesFromTheEnvironment(t *testing.T) {
	env := map[string]string{"SESSION_KEY": "a", "SESSION_EPOCH": "7", "SESSION_FENCE": "1048583", "SESSION_POD_UID": "u"}
	who, err := identityFrom(func(name string) string { return env[name] })
	if want := (identity{key: "a", epoch: 7, fence: 1048583, pod: "u"}); err != nil || who != want {
		t.Errorf("got %+v, %v", who, err)
	}
	for _, name := range []string{"SESSION_KEY", "SESSION_EPOCH", "SESSION_FENCE"} {
		_, err := identityFrom(func(n string) string { return strings.Replace(env[n], env[name], "", 1) })
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
	}
}
