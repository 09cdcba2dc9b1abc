package main

import (
	"context"
	"log"
	"math/rand/v2"
	"time"

	"github.com/dormouse-dev/dormouse/examples/01-game-tables/table/rules"
)

// lookAhead is how many moves the house sees.
const lookAhead = 5

// next has the house think, if it is its turn; t.mu must be held.
func (t *table) next(p rules.Position) {
	if !t.record.house || len(t.record.moves)%2 == 0 {
		return
	}
	t.thinking = true
	go func() {
		pause := time.NewTimer(t.think)
		m := rules.Best(p, lookAhead)
		<-pause.C
		if t.answer(p, m) {
			if err := t.end(context.Background()); err != nil {
				log.Print(err) // it is saved before the table sleeps
			}
		}
		t.rest()
	}()
}

// answer plays the house's move, and says whether the game is over by it.
func (t *table) answer(p rules.Position, m string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.thinking = false
	t.play(p, m)
	return t.record.result != ""
}

// draw has the first move of a tournament's game drawn by lot, once it begins. Nobody has to be there.
func (t *table) draw() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p, err := rules.Play(t.store.game); err == nil && len(t.record.moves) == 0 {
		moves := p.Moves()
		t.play(p, moves[rand.IntN(len(moves))]) //nolint:gosec // a lot, and no secret
	}
}
