package main

import (
	"context"
	_ "embed" // for the schema

	"github.com/jackc/pgx/v5"
)

// schema is what tables are kept in.
//
//go:embed schema.sql
var schema string

func prepare(ctx context.Context) error {
	return with(ctx, func(conn *pgx.Conn) error {
		_, err := conn.PgConn().Exec(ctx, schema).ReadAll() // all of it in one transaction
		return err
	})
}

// insert makes the rows that are missing, all or none, and says how many there were to make.
func insert(ctx context.Context, w wish) (made int64, err error) {
	const statement = `INSERT INTO tables (game, key, house, begins) SELECT $1, unnest($2::text[]), $3, $4 ON CONFLICT DO NOTHING`
	err = with(ctx, func(conn *pgx.Conn) error {
		done, err := conn.Exec(ctx, statement, w.Game, w.Tables, w.House, w.Begins)
		made = done.RowsAffected()
		return err
	})
	return made, err
}

// with connects for as long as it takes to do something. Where to, the environment says, as it does for psql: PGHOST and so on.
func with(ctx context.Context, do func(*pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	return do(conn)
}
