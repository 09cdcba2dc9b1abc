// Package rules knows games for two: which moves there are, who has won, and what a good move is.
package rules

import (
	"fmt"
	"math"
	"slices"
)

// Position is how a game stands. It never changes: a move makes another one.
type Position interface {
	// Moves are those that there are: none once the game is over.
	Moves() []string
	// After is how it stands after one of them.
	After(move string) Position
	// Won says whether who has moved last has won. When there are no moves and nobody has won, it is a draw.
	Won() bool
	// String shows it, in one line.
	String() string
}

// games are those that there are, before the first move.
var games = map[string]Position{
	"tictactoe":   empty(inARow{width: 3, height: 3, row: 3}),
	"connectfour": empty(inARow{width: 7, height: 6, row: 4, falls: true}),
	"nim":         nim{3, 4, 5},
}

// Play is how a game stands after some moves. The error names the first that is against the rules.
func Play(game string, moves ...string) (Position, error) {
	p, ok := games[game]
	if !ok {
		return nil, fmt.Errorf("nobody here knows how %q is played", game)
	}
	for _, m := range moves {
		if !slices.Contains(p.Moves(), m) {
			return nil, fmt.Errorf("%q is no move now", m)
		}
		p = p.After(m)
	}
	return p, nil
}

// Best is a move after which no answer is seen, within so many moves, that is worse than what any other move allows. There must be one.
func Best(p Position, ahead int) (best string) {
	most := -math.MaxInt
	for _, m := range p.Moves() {
		if v := -value(p.After(m), ahead, -math.MaxInt, -most); v > most || best == "" {
			best, most = m, v
		}
	}
	return best
}

// value is what a position is worth for who is to move, between what both can have elsewhere: the later a loss, the better.
func value(p Position, ahead, least, most int) int {
	if p.Won() {
		return -1 - ahead
	}
	moves := p.Moves()
	if ahead == 0 || len(moves) == 0 {
		return 0
	}
	for _, m := range moves {
		least = max(least, -value(p.After(m), ahead-1, -most, -least))
		if least >= most {
			break
		}
	}
	return least
}
