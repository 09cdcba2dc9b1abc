// Command story plays the game tables' story on a cluster.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/examples/story"
)

// The games, each of which is a template.
const (
	nim         = "nim"
	connectFour = "connectfour"
	ticTacToe   = "tictactoe"
)

// once makes the tables of one telling its own, so that it can be told again at once.
var once = strconv.FormatInt(time.Now().UnixMilli(), 36)

// The tables that the story is about.
var (
	duel   = "duel-" + once
	slow   = "slow-" + once
	late   = "late-" + once
	solo   = "solo-" + once
	final  = "final-" + once
	nobody = "nobody-" + once
	ghost  = "ghost-" + once
)

func main() {
	h := &hall{}
	story.Tell("game-tables", []story.Line{
		{Says: "A table is a row in the database and a Session, made before any process of it starts.", Look: made},
		{Says: "A table that nobody has made is 404; one without a row is an error of its start. Neither is made by being asked for.", Look: unknown},
		{Says: "The first move starts a process, and the next one finds it there, with the game in its memory.", Look: played},
		{Says: "The house moves after the answer: the table stays awake until then, though it would be idle long before.", Look: busy},
		{Says: "How long a table waits for somebody is decided from its game: less where nobody has moved yet.", Look: patient},
		{Says: "A table that nobody plays sleeps, and its next process goes on. Who only looks has nothing saved again.", Look: goesOn},
		{Says: "A move that comes while the table is being saved is answered by the same process, and is saved too.", Look: duringSave},
		{Says: "A late process, such as a network split leaves behind, cannot write over what a later one has.", Look: lateWriter},
		{Says: "kill -9: the table is back as it was saved last.", Look: killed},
		{Says: "The tables of a tournament wake when it begins, though nobody asks, and sleep again.", Look: tournament},
		{Says: "A game that is over ends its table for good: whoever comes is told 410, and the result.", Look: over},
		{Says: "300 tables are made by one request and played: never more than 40 have a process, and those idle longest make room.", Look: h.full, Within: 10 * time.Minute},
		{Says: "When nobody plays any more, no table has a process, and all are in the database.", Look: h.empty, Within: 3 * time.Minute},
	})
}

func ref(s *story.Stage, game, key string) client.Ref {
	return client.Ref{Namespace: s.Namespace, Template: game, Key: key}
}

func path(game, key, what string) string { return "/" + game + "/" + key + "/" + what }

// view is what a table answers.
type view struct {
	Key, Pod, Board, Result string
	Epoch                   int64
	Moves                   []string
	Thinking                bool
}

func (v view) played() string { return strings.Join(v.Moves, " ") }

func look(ctx context.Context, s *story.Stage, game, key string) (v view, err error) {
	a, err := s.Get(ctx, path(game, key, ""))
	if err != nil {
		return v, err
	}
	s.Saw("look: %s", a)
	return v, a.JSON(&v)
}

func move(ctx context.Context, s *story.Stage, game, key, m string) (v view, err error) {
	a, err := s.Post(ctx, path(game, key, "move"), m)
	if err != nil {
		return v, err
	}
	s.Saw("%s: %s", m, a)
	return v, a.JSON(&v)
}

// sql has the database answer: rows are lines, and columns are parted by "|".
func sql(ctx context.Context, s *story.Stage, statement string) (string, error) {
	return s.Kubectl(ctx, "exec", "database-0", "--", "psql", "-At", "-c", statement)
}

// kept wants the database to have these moves of a table of nim.
func kept(ctx context.Context, s *story.Stage, key, moves string) error {
	row, err := sql(ctx, s, fmt.Sprintf(`SELECT array_to_string(moves, ' '), saves FROM tables WHERE game = '%s' AND key = '%s'`, nim, key))
	if err != nil {
		return err
	}
	got, saves, _ := strings.Cut(row, "|")
	s.Saw("in the database: %q, after %s saves", got, saves)
	if got != moves {
		return fmt.Errorf("%q was to be there", moves)
	}
	return nil
}

// wish has the lobby make tables.
func wish(ctx context.Context, s *story.Stage, what map[string]any, tables ...string) error {
	what["tables"] = tables
	body, err := json.Marshal(what)
	if err != nil {
		return err
	}
	a, err := s.Post(ctx, "/lobby/main/tables", string(body))
	if err != nil {
		return err
	}
	var made struct{ Rows, Sessions int }
	if err := a.JSON(&made); err != nil {
		return err
	}
	s.Saw("%d tables of %s, by one request: %s", len(tables), what["game"], a)
	if made.Rows != len(tables) || made.Sessions != len(tables) {
		return errors.New("not all of them were made")
	}
	return nil
}

func made(ctx context.Context, s *story.Stage) error {
	if err := wish(ctx, s, map[string]any{"game": nim}, duel, slow, late, final); err != nil {
		return err
	}
	if err := wish(ctx, s, map[string]any{"game": connectFour, "house": true}, solo); err != nil {
		return err
	}
	found, err := s.Session(ctx, nim, duel)
	if err != nil {
		return err
	}
	if found.Name == "" || found.Epoch != 0 {
		return fmt.Errorf("its Session is %q, and has had %d processes", found.Name, found.Epoch)
	}
	return kept(ctx, s, duel, "")
}

func unknown(ctx context.Context, s *story.Stage) error {
	if err := errors.Join(stranger(ctx, s), rowless(ctx, s)); err != nil {
		return err
	}
	rows, err := sql(ctx, s, fmt.Sprintf(`SELECT count(*) FROM tables WHERE key IN ('%s', '%s')`, nobody, ghost))
	if err == nil && rows != "0" {
		err = fmt.Errorf("the database has %s rows of them", rows)
	}
	return err
}

// stranger asks for a table that nobody has made.
func stranger(ctx context.Context, s *story.Stage) error {
	a, err := s.Ask(ctx, http.MethodGet, path(nim, nobody, ""), "")
	if err != nil {
		return err
	}
	s.Saw("%s", a)
	found, err := s.Session(ctx, nim, nobody)
	if err == nil && (a.Status != http.StatusNotFound || a.Reason == "" || found.Phase != "none") {
		err = fmt.Errorf("404 of the gateway was expected, and its Session is %s", found.Phase)
	}
	return err
}

// rowless makes a Session without a row, and asks for that.
func rowless(ctx context.Context, s *story.Stage) error {
	if _, _, err := s.API.Create(ctx, ref(s, nim, ghost), client.Spec{}); err != nil {
		return err
	}
	a, err := s.Ask(ctx, http.MethodGet, path(nim, ghost, ""), "")
	if err != nil {
		return err
	}
	s.Saw("%d %s: %s", a.Status, a.Reason, detail(a))
	if a.Status < http.StatusInternalServerError || !strings.Contains(detail(a), "there is no such table") {
		return errors.New("an error that says why was expected")
	}
	return nil
}

func played(ctx context.Context, s *story.Stage) error {
	first, err := move(ctx, s, nim, duel, "a1")
	if err != nil {
		return err
	}
	second, err := move(ctx, s, nim, duel, "b1")
	if err != nil {
		return err
	}
	if first.Epoch != 1 || second.Pod != first.Pod || second.played() != "a1 b1" {
		return fmt.Errorf("the second move was made in process %d, with %s", second.Epoch, second.played())
	}
	return nil
}

func killed(ctx context.Context, s *story.Stage) error {
	v, err := move(ctx, s, nim, duel, "c1")
	if err != nil {
		return err
	}
	found, err := s.Session(ctx, nim, duel)
	if err != nil {
		return err
	}
	if err := s.Kill(ctx, found, "/table"); err != nil {
		return err
	}
	var after view
	err = s.Until(ctx, "the next process answers", func() (bool, error) {
		a, err := s.Ask(ctx, http.MethodGet, path(nim, duel, ""), "")
		if err != nil || a.Status != http.StatusOK {
			return false, err
		}
		return after.Epoch > v.Epoch, a.JSON(&after)
	})
	if err != nil {
		return err
	}
	s.Saw("process %d has %s", after.Epoch, after.played())
	if after.played() != "a1 b1" {
		return errors.New("a1 b1 was saved last")
	}
	return nil
}

const result = "the first player has won, with move 3"

func over(ctx context.Context, s *story.Stage) error {
	for _, m := range []string{"a3", "b4", "c5"} {
		v, err := move(ctx, s, nim, final, m)
		if err != nil {
			return err
		}
		if over := m == "c5"; over != (v.Result == result) {
			return fmt.Errorf("after %s the result is %q", m, v.Result)
		}
	}
	found, err := s.Becomes(ctx, nim, final, "Completed")
	if err != nil {
		return err
	}
	s.Saw("%s", story.Exit(found))
	for method, what := range map[string]string{http.MethodGet: "", http.MethodPost: "move"} {
		if err := gone(ctx, s, method, what); err != nil {
			return err
		}
	}
	row, err := sql(ctx, s, fmt.Sprintf(`SELECT result FROM tables WHERE key = '%s'`, final))
	if err == nil && row != result {
		err = fmt.Errorf("the database has the result %q", row)
	}
	return err
}

// gone asks something of the table whose game is over.
func gone(ctx context.Context, s *story.Stage, method, what string) error {
	a, err := s.Ask(ctx, method, path(nim, final, what), "a1")
	if err != nil {
		return err
	}
	why := detail(a)
	s.Saw("%s: %d %s", method, a.Status, why)
	if a.Status != http.StatusGone || !strings.Contains(why, result) {
		return errors.New("410 with the result was expected")
	}
	return nil
}

// detail is what the gateway says in words, where it answers itself.
func detail(a story.Answer) string {
	var problem struct{ Detail string }
	if a.Reason == "" || a.JSON(&problem) != nil {
		return ""
	}
	return problem.Detail
}
