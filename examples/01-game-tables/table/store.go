package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

var (
	// errUnknown refuses a table that nobody has made: to load is not to create.
	errUnknown = errors.New("there is no such table")
	// errLate refuses a process that a later one of the same table has followed.
	errLate = errors.New("a later process has taken this table over")
)

// record is a table in the database.
type record struct {
	moves  []string
	house  bool       // whether the house is the second player
	begins *time.Time // no move before it; nil: at any time
	result string     // of a game that is over
}

// store is the row of one table, for one process. It has no connection while the table is played.
type store struct {
	game, key string
	fence     int64 // grows with each process of the table: what the column epoch holds of the latest
}

// takeOver reads the table. From then on, earlier processes of it cannot write.
func (s *store) takeOver(ctx context.Context) (r record, err error) {
	const statement = `UPDATE tables SET epoch = $1 WHERE epoch <= $1 AND game = $2 AND key = $3 RETURNING moves, house, begins, result`
	err = s.with(ctx, func(conn *pgx.Conn) error {
		err := conn.QueryRow(ctx, statement, s.fence, s.game, s.key).Scan(&r.moves, &r.house, &r.begins, &r.result)
		if errors.Is(err, pgx.ErrNoRows) {
			return s.refusal(ctx, conn)
		}
		return err
	})
	return r, err
}

// save writes the table, unless a later process has taken it over.
func (s *store) save(ctx context.Context, moves []string, result string) error {
	const statement = `UPDATE tables SET moves = $4, result = $5, saves = saves + 1 WHERE epoch <= $1 AND game = $2 AND key = $3`
	return s.with(ctx, func(conn *pgx.Conn) error {
		done, err := conn.Exec(ctx, statement, s.fence, s.game, s.key, moves, result)
		if err == nil && done.RowsAffected() == 0 {
			return s.refusal(ctx, conn)
		}
		return err
	})
}

// refusal is why a statement has found no row.
func (s *store) refusal(ctx context.Context, conn *pgx.Conn) error {
	var there bool
	err := conn.QueryRow(ctx, `SELECT true FROM tables WHERE game = $1 AND key = $2`, s.game, s.key).Scan(&there)
	if errors.Is(err, pgx.ErrNoRows) {
		return errUnknown
	}
	return errors.Join(err, errLate)
}

// with connects for as long as it takes to do something. Where to, the environment says, as it does for psql: PGHOST and so on.
func (s *store) with(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, "")
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if err := do(conn); err != nil {
		return fmt.Errorf("table %s of %s: %w", s.key, s.game, err)
	}
	return nil
}
