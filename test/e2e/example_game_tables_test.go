package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
)

var _ = It("plays the game tables: 300 of them in a real database, and 40 processes", Serial, func(ctx SpecContext) {
	tells(ctx, "01-game-tables", "game-tables", []string{
		"A table is a row in the database and a Session, made before any process of it starts. (000-01, 000-06)",
		"A table that nobody has made is 404; one without a row is an error of its start. Neither is made by being asked for. (000-04, 000-06, 000-07)",
		"The first move starts a process, and the next one finds it there, with the game in its memory. (000-02, 000-08)",
		"The house moves after the answer: the table stays awake until then, though it would be idle long before. (000-26, 000-63)",
		"How long a table waits for somebody is decided from its game: less where nobody has moved yet. (000-09, 000-10, 000-57)",
		"A table that nobody plays sleeps, and its next process goes on. Who only looks has nothing saved again. (000-05, 000-13)",
		"A move that comes while the table is being saved is answered by the same process, and is saved too. (000-11, 000-12)",
		"A late process, such as a network split leaves behind, cannot write over what a later one has. (000-33, 000-34)",
		"kill -9: the table is back as it was saved last. (000-22)",
		"The tables of a tournament wake when it begins, though nobody asks, and sleep again. (000-27)",
		"A game that is over ends its table for good: whoever comes is told 410, and the result. (000-58)",
		"300 tables are made by one request and played: never more than 40 have a process, and those idle longest make room. (000-24, 000-41, 000-56, 000-60)",
		"When nobody plays any more, no table has a process, and all are in the database. (000-29)",
	})
}, SpecTimeout(16*time.Minute))
