package main

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// 000-26: the answer to a player's move does not wait for the house's, and says that the table is busy until that is made.
func TestTheHouseMovesAfterTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tbl := process(t, "connectfour", 1)
		rested := 0
		tbl.think, tbl.rest = 3*time.Second, func() { rested++ }
		if err := tbl.begin(record{house: true}); err != nil {
			t.Fatal(err)
		}
		w := call(t, tbl, "POST", "/move", "4")
		if w.Code != http.StatusOK || w.Header().Get("Session-Busy") != "13s" || moves(t, tbl) != "4" {
			t.Errorf("%d, busy %q, the moves are %s", w.Code, w.Header().Get("Session-Busy"), moves(t, tbl))
		}
		if w := call(t, tbl, "POST", "/move", "4"); w.Code != http.StatusConflict {
			t.Errorf("a move while the house thinks: %d %s", w.Code, w.Body)
		}
		time.Sleep(3 * time.Second) // of the bubble
		synctest.Wait()
		w = call(t, tbl, "GET", "/", "")
		v, err := tbl.look()
		if err != nil || len(v.Moves) != 2 || v.Thinking || rested != 1 || w.Header().Get("Session-Busy") != "" {
			t.Errorf("after the house's time: %+v, rested %d times, busy %q, %v", v, rested, w.Header().Get("Session-Busy"), err)
		}
	})
}

// A process that ended while the house was thinking is followed by one in which it thinks again.
func TestTheHouseThinksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tbl := process(t, "nim", 2)
		if err := tbl.begin(record{house: true, moves: []string{"a3"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := moves(t, tbl); len(got) != len("a3 b1") {
			t.Errorf("the moves are %s", got)
		}
	})
}

// 000-10, 000-57: how long a table waits is decided from its game, by each answer.
func TestTheGameSaysHowLongItWaits(t *testing.T) {
	tbl := process(t, "nim", 1)
	if err := tbl.begin(record{}); err != nil {
		t.Fatal(err)
	}
	if got := call(t, tbl, "GET", "/", "").Header().Get("Session-Idle-After"); got != "1s" {
		t.Errorf("before the first move: %s", got)
	}
	if got := call(t, tbl, "POST", "/move", "a1").Header().Get("Session-Idle-After"); got != "1h0m0s" {
		t.Errorf("after it: %s", got)
	}
}

// 000-27: a tournament's game begins at its time, whether anybody is there or not.
func TestATournamentBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tbl := process(t, "nim", 1)
		begins := time.Now().Add(time.Minute)
		if err := tbl.begin(record{begins: &begins}); err != nil {
			t.Fatal(err)
		}
		if w := call(t, tbl, "POST", "/move", "a1"); w.Code != http.StatusConflict || moves(t, tbl) != "" {
			t.Errorf("a move before it begins: %d %s", w.Code, w.Body)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if got := moves(t, tbl); len(got) != len("a1") {
			t.Errorf("the moves are %q, and one was to be drawn", got)
		}
		next := process(t, "nim", 2)
		if err := next.begin(record{begins: &begins, moves: []string{"a1"}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if got := moves(t, next); got != "a1" {
			t.Errorf("the next process has the moves %q", got)
		}
	})
}

// 000-58: a game that is over is in the database when that is told, and its process ends.
func TestAGameThatIsOver(t *testing.T) {
	const result = "the first player has won, with move 3"
	conn := database(t, "nim", `moves = '{a3,b4}'`)
	tbl := loaded(t, "nim", 1)
	w := call(t, tbl, "POST", "/move", "c5")
	if got := kept(t, conn); w.Code != http.StatusOK || got != "a3 b4 c5|"+result+"|1" {
		t.Errorf("%d %s, and the database has %s", w.Code, w.Body, got)
	}
	<-tbl.ended
	if w := call(t, tbl, "POST", "/move", "c1"); w.Code != http.StatusConflict {
		t.Errorf("a move afterwards: %d %s", w.Code, w.Body)
	}
	<-loaded(t, "nim", 2).ended // and that of one who is started all the same
}

// A game that the house ends is over as well, though nobody is there.
func TestTheHouseWins(t *testing.T) {
	conn := database(t, "nim", `moves = '{a3,b4}', house = true`)
	tbl := loaded(t, "nim", 1)
	if w := call(t, tbl, "POST", "/move", "c4"); w.Code != http.StatusOK {
		t.Fatal(w.Code, w.Body)
	}
	<-tbl.ended
	if got := kept(t, conn); got != "a3 b4 c4 c1|the second player has won, with move 4|1" {
		t.Errorf("the database has %s", got)
	}
}

func TestADraw(t *testing.T) {
	tbl := process(t, "tictactoe", 1)
	if err := tbl.begin(record{moves: []string{"1", "2", "3", "5", "4", "6", "8", "7"}}); err != nil {
		t.Fatal(err)
	}
	if v, err := tbl.accept("9"); err != nil || v.Result != "a draw, after 9 moves" {
		t.Errorf("%+v, %v", v, err)
	}
}

// 001-05: the process is there at once, and says when it has loaded.
func TestBeforeTheLoadNothingIsServed(t *testing.T) {
	tbl := process(t, "nim", 1)
	for path, method := range map[string]string{"/": "GET", "/ready": "GET", "/move": "POST"} {
		if w := call(t, tbl, method, path, "a1"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("%s %s: %d", method, path, w.Code)
		}
	}
	if err := tbl.begin(record{}); err != nil {
		t.Fatal(err)
	}
	if w := call(t, tbl, "GET", "/ready", ""); w.Code != http.StatusOK {
		t.Errorf("GET /ready of a loaded table: %d", w.Code)
	}
	for _, m := range []string{"", "a9", "x", "a1 b1"} {
		if w := call(t, tbl, "POST", "/move", m); w.Code != http.StatusConflict || moves(t, tbl) != "" {
			t.Errorf("the move %q: %d %s", m, w.Code, w.Body)
		}
	}
}
