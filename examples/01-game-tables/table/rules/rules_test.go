package rules

import (
	"strings"
	"testing"
)

func TestGamesEnd(t *testing.T) {
	for _, c := range []struct {
		game, moves string
		over, won   bool
		board       string
	}{
		{"tictactoe", "", false, false, ".../.../..."},
		{"tictactoe", "1 4 2 5", false, false, ".../oo./xx."},
		{"tictactoe", "1 4 2 5 3", true, true, ".../oo./xxx"},
		{"tictactoe", "1 2 5 3 9", true, true, "..x/.x./xoo"},
		{"tictactoe", "3 2 5 1 7", true, true, "x../.x./oox"},
		{"tictactoe", "1 2 3 5 4 6 8 7 9", true, false, "oxx/xoo/xox"},
		{"connectfour", "1 2 1 2 1 2", false, false, "......./......./......./xo...../xo...../xo....."},
		{"connectfour", "1 2 1 2 1 2 1", true, true, "......./......./x....../xo...../xo...../xo....."},
		{"connectfour", "1 2 2 3 3 4 3 4 4 7 4", true, true, "......./......./...x.../..xx.../.xxo.../xooo..o"},
		{"nim", "a3 b4", false, false, "0 0 5"},
		{"nim", "a3 b4 c5", true, true, "0 0 0"},
	} {
		p, err := Play(c.game, strings.Fields(c.moves)...)
		if err != nil {
			t.Errorf("%s %s: %v", c.game, c.moves, err)
			continue
		}
		if over := len(p.Moves()) == 0; over != c.over || p.Won() != c.won || p.String() != c.board {
			t.Errorf("%s %s: over %t, won %t, %s", c.game, c.moves, over, p.Won(), p)
		}
	}
}

func TestWhatIsNoMove(t *testing.T) {
	for _, c := range []struct{ game, moves string }{
		{"chess", ""},
		{"nim", "a4"},
		{"nim", "a3 a1"},
		{"nim", "d1"},
		{"nim", "a0"},
		{"nim", "b-1"},
		{"tictactoe", "1 1"},
		{"tictactoe", "0"},
		{"tictactoe", "10"},
		{"tictactoe", "1 4 2 5 3 6"},
		{"connectfour", "1 1 1 1 1 1 1"},
		{"connectfour", "8"},
	} {
		if p, err := Play(c.game, strings.Fields(c.moves)...); err == nil {
			t.Errorf("%s %s stands at %s", c.game, c.moves, p)
		}
	}
}

func TestTheBestMoveWinsOrHolds(t *testing.T) {
	for _, c := range []struct{ game, moves, best string }{
		{"tictactoe", "1 4 2 5", "3"},
		{"tictactoe", "1 5 2", "3"},
		{"connectfour", "4 1 4 1 4", "4"},
		{"nim", "a3 b4", "c5"},
		{"nim", "a3", "c1"}, // 4 and 5: two heaps alike are lost for who has to move
	} {
		p, err := Play(c.game, strings.Fields(c.moves)...)
		if err != nil {
			t.Fatal(err)
		}
		if got := Best(p, 9); got != c.best {
			t.Errorf("%s %s: %s, want %s", c.game, c.moves, got, c.best)
		}
	}
}

// Of games that both play well, tic-tac-toe is a draw, and nim is won by who begins.
func TestBothPlayWell(t *testing.T) {
	for game, won := range map[string]bool{"tictactoe": false, "nim": true} {
		moves := []string{}
		p, err := Play(game)
		for err == nil && len(p.Moves()) > 0 {
			moves = append(moves, Best(p, 12))
			p, err = Play(game, moves...)
		}
		if err != nil || p.Won() != won || won && len(moves)%2 == 0 {
			t.Errorf("%s: %s stands at %s, %v", game, moves, p, err)
		}
	}
}
