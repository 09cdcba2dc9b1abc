package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Main(m)) }

// sessions is a Session API that makes what it is asked for, and looks at the rows that are there by then.
type sessions struct {
	made map[string]client.Line
	rows map[string]int
	woke []string // paths of calls that wake
}

func (s *sessions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/wake") {
		s.woke = append(s.woke, r.URL.Path)
		w.WriteHeader(http.StatusAccepted)
		_ = json.NewEncoder(w).Encode(client.Session{})
		return
	}
	n := 0
	for lines := bufio.NewScanner(r.Body); lines.Scan(); {
		var line client.Line
		_ = json.Unmarshal(lines.Bytes(), &line) // an empty key is no table's
		n++
		status := http.StatusOK
		if _, there := s.made[line.Key]; !there {
			status = http.StatusCreated
		}
		if line.Key == "refused" {
			status = http.StatusServiceUnavailable
		}
		s.made[line.Key], s.rows[line.Key] = line, rows(r.Context(), line.Key)
		_ = json.NewEncoder(w).Encode(client.Result{Line: n, Key: line.Key, Status: status, Reason: "Created"})
	}
}

// rows is how many rows a table has.
func rows(ctx context.Context, key string) (n int) {
	err := with(ctx, func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT count(*) FROM tables WHERE key = $1`, key).Scan(&n)
	})
	if err != nil {
		n = -1
	}
	return n
}

func wants(t *testing.T, l *lobby, wish string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	l.handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/tables", strings.NewReader(wish)))
	return w.Code, strings.TrimSpace(w.Body.String())
}

// 000-06: the row is there before the Session, and both before any process of the table.
func TestATableIsARowAndThenASession(t *testing.T) {
	postgrestest.Needed(t)
	s := &sessions{made: map[string]client.Line{}, rows: map[string]int{}}
	api := httptest.NewServer(s)
	defer api.Close()
	l := &lobby{namespace: "here", sessions: client.New(api.URL, client.Options{})}
	for range 2 {
		if err := prepared(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ wish, told string }{
		{`{"game": "nim", "tables": ["a", "b"], "begins": "2100-01-02T03:04:05.6+01:00"}`, `200 {"rows":2,"sessions":2}`},
		{`{"game": "nim", "tables": ["a", "b", "c"]}`, `200 {"rows":1,"sessions":1}`}, // sent again, with one more
		{`{"game": "nim", "tables": ["refused"]}`, `502 make the Session of table refused: 503 Created`},
		{`{"game": "nim", "tables": []}`, `400 wanted: `},
		{`nim`, `400 wanted: `},
	} {
		if code, body := wants(t, l, c.wish); !strings.HasPrefix(fmt.Sprint(code, " ", body), c.told) {
			t.Errorf("%s: %d %s, want %s", c.wish, code, body, c.told)
		}
	}
	for _, key := range []string{"a", "b", "c"} {
		if s.rows[key] != 1 {
			t.Errorf("table %s had %d rows when its Session was made", key, s.rows[key])
		}
	}
	if code, body := wants(t, l, `{"game": "chess", "tables": ["d"]}`); code != http.StatusBadGateway || rows(t.Context(), "d") != 0 {
		t.Errorf("a game that nobody knows: %d %s", code, body)
	}
	if _, made := s.made["d"]; made {
		t.Error("a table without a row has a Session")
	}
}

// 000-27: a tournament is an alarm of each of its tables. One that has begun when they are made is none any more, and they are woken.
func TestATournamentIsAnAlarm(t *testing.T) {
	postgrestest.Needed(t)
	s := &sessions{made: map[string]client.Line{}, rows: map[string]int{}}
	api := httptest.NewServer(s)
	defer api.Close()
	if err := prepared(t.Context()); err != nil {
		t.Fatal(err)
	}
	l := &lobby{namespace: "here", sessions: client.New(api.URL, client.Options{})}
	for _, c := range []struct {
		begins, alarm string
		woken         int
	}{
		{"2100-01-02T03:04:05.6+01:00", "2100-01-02T02:04:05Z", 0},
		{"2020-01-02T03:04:05Z", "2020-01-02T03:04:05Z", 1},
	} {
		s.woke = nil
		if code, body := wants(t, l, `{"game": "nim", "tables": ["`+c.alarm+`"], "begins": "`+c.begins+`"}`); code != http.StatusOK {
			t.Fatal(code, body)
		}
		if got := s.made[c.alarm].Alarms; len(got) != 1 || got[0] != c.alarm || len(s.woke) != c.woken {
			t.Errorf("the alarms are %q, and woken were %q", got, s.woke)
		}
	}
}
