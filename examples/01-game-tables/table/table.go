package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"slices"
	"sync"
	"time"

	"github.com/dormouse-dev/dormouse/examples/01-game-tables/table/rules"
)

var (
	errNotLoaded = errors.New("the table is being loaded")
	errThinking  = errors.New("it is the house's turn")
	errOver      = errors.New("the game is over")
	errTooEarly  = errors.New("the tournament has not begun")
	errNoMove    = errors.New("that is no move now")
)

// table is a game in the memory of one process. What it has in the database is what was loaded or saved last.
type table struct {
	who   identity
	store store
	think time.Duration // how long the house takes for a move, at least
	rest  func()        // tells that the house has moved

	saving sync.Mutex // one save at a time; taken before mu

	mu       sync.Mutex
	loaded   bool
	record   record
	saved    int  // how many of the moves are in the database
	thinking bool // the house is

	ended chan struct{} // closed when the game is over and saved
}

func newTable(who identity, game string, think time.Duration, rest func()) *table {
	return &table{who: who, store: store{game, who.key, who.fence}, think: think, rest: rest, ended: make(chan struct{})}
}

// view is what a player sees of a table.
type view struct {
	Game     string   `json:"game"`
	Key      string   `json:"key"`
	Epoch    int64    `json:"epoch"`
	Pod      string   `json:"pod"`
	Moves    []string `json:"moves"`
	Board    string   `json:"board"`
	Thinking bool     `json:"thinking,omitempty"`
	Result   string   `json:"result,omitempty"`
}

// load reads the table once the database answers, and takes it over.
func (t *table) load(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	for {
		r, err := t.store.takeOver(ctx)
		if err == nil {
			return t.begin(r)
		}
		if errors.Is(err, errUnknown) || errors.Is(err, errLate) {
			return err
		}
		log.Print(err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("not loaded within %s: %w", loadTimeout, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// begin goes on with a table as it was left.
func (t *table) begin(r record) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	p, err := rules.Play(t.store.game, r.moves...)
	if err != nil {
		return fmt.Errorf("what was loaded is no game: %w", err)
	}
	t.loaded, t.record, t.saved = true, r, len(r.moves)
	switch {
	case r.result != "":
		close(t.ended) // it was over before
	case r.begins != nil && len(r.moves) == 0:
		time.AfterFunc(time.Until(*r.begins), t.draw)
	default:
		t.next(p)
	}
	return nil
}

// move makes a player's move and returns the table after it. A game that is over by it is in the database before it is told.
func (t *table) move(ctx context.Context, m string) (view, error) {
	v, err := t.accept(m)
	if err != nil || v.Result == "" {
		return v, err
	}
	return v, t.end(ctx)
}

func (t *table) accept(m string) (view, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch r := &t.record; {
	case !t.loaded:
		return view{}, errNotLoaded
	case r.result != "":
		return view{}, errOver
	case r.begins != nil && len(r.moves) == 0:
		return view{}, errTooEarly
	case t.thinking:
		return view{}, errThinking
	}
	p, err := rules.Play(t.store.game, t.record.moves...)
	if err != nil {
		return view{}, err
	}
	if !slices.Contains(p.Moves(), m) {
		return view{}, fmt.Errorf("%w; these are: %v", errNoMove, p.Moves())
	}
	t.play(p, m)
	return t.view(), nil
}

// play adds a move; t.mu must be held.
func (t *table) play(p rules.Position, m string) {
	p = p.After(m)
	t.record.moves = append(t.record.moves, m)
	if len(p.Moves()) > 0 {
		t.next(p)
		return
	}
	n := len(t.record.moves)
	t.record.result = fmt.Sprintf("a draw, after %d moves", n)
	if p.Won() {
		t.record.result = fmt.Sprintf("the %s player has won, with move %d", []string{"second", "first"}[n%2], n)
	}
}

// end saves a game that is over, and lets the process end.
func (t *table) end(ctx context.Context) error {
	if err := t.save(ctx); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	select {
	case <-t.ended:
	default:
		close(t.ended)
	}
	return nil
}

// look returns the table as it is.
func (t *table) look() (view, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.loaded {
		return view{}, errNotLoaded
	}
	return t.view(), nil
}

// view copies the table; t.mu must be held.
func (t *table) view() view {
	v := view{Game: t.store.game, Key: t.store.key, Epoch: t.who.epoch, Pod: t.who.pod, Moves: append([]string{}, t.record.moves...)}
	if p, err := rules.Play(t.store.game, v.Moves...); err == nil {
		v.Board = p.String()
	}
	v.Thinking, v.Result = t.thinking, t.record.result
	return v
}

// save puts the moves into the database, unless they are there. A move that comes meanwhile is not in it, and is saved next time.
func (t *table) save(ctx context.Context) error {
	t.saving.Lock()
	defer t.saving.Unlock()

	t.mu.Lock()
	moves, result, dirty := slices.Clone(t.record.moves), t.record.result, len(t.record.moves) > t.saved
	t.mu.Unlock()
	if !dirty {
		return nil
	}
	if err := t.store.save(ctx, moves, result); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saved = len(moves)
	return nil
}
