SELECT pg_advisory_xact_lock(1); -- for lobbies that begin at once
CREATE TABLE IF NOT EXISTS tables (
	game   text        NOT NULL CHECK (game IN ('tictactoe', 'connectfour', 'nim')),
	key    text        NOT NULL,
	house  boolean     NOT NULL,              -- whether the house is the second player
	begins timestamptz,                       -- of the tournament, if it is one
	epoch  bigint      NOT NULL DEFAULT 0,    -- of the latest process of this table: none of an earlier one writes
	moves  text[]      NOT NULL DEFAULT '{}',
	result text        NOT NULL DEFAULT '',   -- of a game that is over
	saves  integer     NOT NULL DEFAULT 0,
	PRIMARY KEY (game, key)
);
