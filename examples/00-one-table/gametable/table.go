package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// What one table holds at most: together well below the megabyte that the store takes as one value.
const (
	maxMoves     = 500
	maxMoveBytes = 1024
)

var (
	errNotLoaded = errors.New("the table is being loaded")
	errFull      = fmt.Errorf("the table has %d moves, and no more fit", maxMoves)
)

// table is the state of one key. Its zero value is a table that was not loaded yet.
type table struct {
	who identity

	saving sync.Mutex // one save at a time; taken before mu

	mu         sync.Mutex
	store      *store // nil until the table was loaded
	moves      []json.RawMessage
	saved      int // how many of moves are in the store
	loadedFrom string
}

// view is what a client sees of a table.
type view struct {
	Key        string            `json:"key"`
	Epoch      int64             `json:"epoch"`
	Pod        string            `json:"pod"`
	Moves      []json.RawMessage `json:"moves"`
	LoadedFrom string            `json:"loadedFrom"`
}

// load reads the table once the store answers, and takes it over: from then on, earlier pods of it cannot write.
func (t *table) load(ctx context.Context, conn *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	for {
		err := t.takeOver(ctx, conn)
		if err == nil || errors.Is(err, errFenced) {
			return err
		}
		log.Printf("load table %s: %v", t.who.key, err)
		select {
		case <-ctx.Done():
			return fmt.Errorf("load table %s within %s: %w", t.who.key, loadTimeout, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (t *table) takeOver(ctx context.Context, conn *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	s, err := openStore(ctx, conn)
	if err != nil {
		return err
	}
	old, err := s.replace(ctx, t.who.key, t.who.fence, func(old record) record {
		return record{Fence: t.who.fence, Epoch: t.who.epoch, Moves: old.Moves}
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.store, t.moves, t.saved, t.loadedFrom = &s, old.Moves, len(old.Moves), "nothing: a new table"
	if old.Epoch > 0 {
		t.loadedFrom = fmt.Sprintf("the store, as epoch %d left it", old.Epoch)
	}
	return nil
}

// look returns the table as it is.
func (t *table) look() (view, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.store == nil {
		return view{}, errNotLoaded
	}
	return t.view(), nil
}

// move appends a move and returns the table with it.
func (t *table) move(m json.RawMessage) (view, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.store == nil {
		return view{}, errNotLoaded
	}
	if len(t.moves) >= maxMoves {
		return view{}, errFull
	}
	t.moves = append(t.moves, m)
	return t.view(), nil
}

// view copies the table; t.mu must be held. A table without moves shows [].
func (t *table) view() view {
	moves := append([]json.RawMessage{}, t.moves...)
	return view{Key: t.who.key, Epoch: t.who.epoch, Pod: t.who.pod, Moves: moves, LoadedFrom: t.loadedFrom}
}

// save puts the moves into the store, unless they are there already. A move that comes meanwhile is not in it, and the
// table stays dirty.
func (t *table) save(ctx context.Context) error {
	t.saving.Lock()
	defer t.saving.Unlock()

	t.mu.Lock()
	s, moves, dirty := t.store, slices.Clip(t.moves), len(t.moves) > t.saved
	t.mu.Unlock()
	if s == nil || !dirty {
		return nil
	}
	_, err := s.replace(ctx, t.who.key, t.who.fence, func(record) record {
		return record{Fence: t.who.fence, Epoch: t.who.epoch, Moves: moves}
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.saved = len(moves)
	return nil
}
