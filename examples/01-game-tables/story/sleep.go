package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/dormouse-dev/dormouse/examples/story"
)

func busy(ctx context.Context, s *story.Stage) error {
	const takes = 4 * time.Second // the house, for a move; idle.after is a second
	v, err := move(ctx, s, connectFour, solo, "4")
	if err != nil {
		return err
	}
	answered := time.Now()
	if !v.Thinking || v.played() != "4" {
		return fmt.Errorf("the house was to be thinking, and the moves are %s", v.played())
	}
	if _, err := s.Becomes(ctx, connectFour, solo, "Asleep"); err != nil {
		return err
	}
	s.Saw("asleep %.1f s after the answer", time.Since(answered).Seconds())
	if time.Since(answered) < takes {
		return fmt.Errorf("the house takes %s", takes)
	}
	row, err := sql(ctx, s, fmt.Sprintf(`SELECT moves[1], cardinality(moves), saves FROM tables WHERE key = '%s'`, solo))
	if err != nil {
		return err
	}
	s.Saw("in the database: %s (the first move, how many there are, how often it was saved)", row)
	if row != "4|2|1" {
		return errors.New("the house's move was to be there too")
	}
	return nil
}

func patient(ctx context.Context, s *story.Stage) error {
	if _, err := look(ctx, s, nim, slow); err != nil {
		return err
	}
	if err := waits(ctx, s, "1s"); err != nil {
		return err
	}
	if _, err := move(ctx, s, nim, slow, "a1"); err != nil {
		return err
	}
	return waits(ctx, s, "4s")
}

// waits wants the table to be told to wait for so long, and waits until it sleeps.
func waits(ctx context.Context, s *story.Stage, want string) error {
	began, said := time.Now(), ""
	err := s.Until(ctx, "the table sleeps", func() (bool, error) {
		found, err := s.Session(ctx, nim, slow)
		if a := found.Activity; a != nil && a.IdleAfter != "" {
			said = a.IdleAfter
		}
		return found.Phase == "Asleep", err
	})
	if err != nil {
		return err
	}
	s.Saw("it said %s, and was asleep after %.1f s", said, time.Since(began).Seconds())
	if said != want {
		return fmt.Errorf("%s was expected", want)
	}
	return nil
}

func goesOn(ctx context.Context, s *story.Stage) error {
	if _, err := s.Becomes(ctx, nim, duel, "Asleep"); err != nil {
		return err
	}
	if err := kept(ctx, s, duel, "a1 b1"); err != nil {
		return err
	}
	v, err := look(ctx, s, nim, duel)
	if err != nil {
		return err
	}
	if v.Epoch != 2 || v.played() != "a1 b1" {
		return fmt.Errorf("process %d has %s", v.Epoch, v.played())
	}
	if _, err := s.Becomes(ctx, nim, duel, "Asleep"); err != nil {
		return err
	}
	row, err := sql(ctx, s, fmt.Sprintf(`SELECT saves, epoch & 1048575 FROM tables WHERE key = '%s'`, duel))
	if err == nil && row != "1|2" {
		err = fmt.Errorf("it was saved (and had processes): %s", row)
	}
	return err
}

// duringSave holds the row, so that the save takes as long as the story wants it to.
func duringSave(ctx context.Context, s *story.Stage) error {
	first, err := move(ctx, s, nim, slow, "b1")
	if err != nil {
		return err
	}
	release, err := hold(ctx, s, slow)
	if err != nil {
		return err
	}
	err = s.Until(ctx, "a save waits for the row", func() (bool, error) {
		n, err := sql(ctx, s, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'UPDATE%saves%'`)
		return n == "1", err
	})
	if err != nil {
		return err
	}
	found, err := s.Session(ctx, nim, slow)
	if err != nil {
		return err
	}
	s.Saw("it is %s, and waits for %s", found.Phase, found.WaitingFor)
	second, err := move(ctx, s, nim, slow, "c1")
	if err != nil {
		return err
	}
	if err := release(); err != nil {
		return err
	}
	if second.Pod != first.Pod || second.played() != "a1 b1 c1" {
		return fmt.Errorf("process %d has answered, with %s", second.Epoch, second.played())
	}
	if _, err := s.Becomes(ctx, nim, slow, "Asleep"); err != nil {
		return err
	}
	return kept(ctx, s, slow, "a1 b1 c1")
}

// hold locks a table's row in the database until release is called. The table, which is awake, stays so until the lock is held.
func hold(ctx context.Context, s *story.Stage, key string) (release func() error, err error) {
	in, statements := io.Pipe()
	held, ended := make(chan string, 1), make(chan error, 1)
	go func() {
		ended <- s.Follow(ctx, in, func(line string) { held <- line }, "exec", "-i", "database-0", "--", "psql", "-qAt", "-v", "ON_ERROR_STOP=1")
	}()
	if _, err := fmt.Fprintf(statements, "BEGIN; SELECT 'held' FROM tables WHERE key = '%s' FOR UPDATE;\n", key); err != nil {
		return nil, err
	}
	for {
		select {
		case <-held:
			s.Saw("the row is held")
			return func() error {
				_, err := io.WriteString(statements, "COMMIT;\n")
				return errors.Join(err, statements.Close(), <-ended)
			}, nil
		case err := <-ended:
			return nil, fmt.Errorf("the row was to be held: %w", err)
		case <-time.After(500 * time.Millisecond):
			if _, err := s.Get(ctx, path(nim, key, "")); err != nil {
				return nil, err
			}
		}
	}
}
