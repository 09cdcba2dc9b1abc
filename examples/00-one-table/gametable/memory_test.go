package main

import (
	"net/http"
	"testing"
)

// 000-22, 000-35: between two saves a table is in memory only. A move needs no store, and a crash takes a table back to its last save.
func TestBetweenSavesATableIsInMemory(t *testing.T) {
	conn := newStore(t)
	first := pod(t, conn, 1)
	call(t, first, "POST", "/move", `"saved"`)
	if err := first.save(t.Context()); err != nil {
		t.Fatal(err)
	}
	call(t, first, "POST", "/move", `"not saved"`)
	if got := moves(t, first); got != `["saved","not saved"]` {
		t.Errorf("the table has the moves %s", got)
	}
	second := pod(t, conn, 2) // the first has crashed
	if got := moves(t, second); got != `["saved"]` {
		t.Errorf("after a crash the table has the moves %s", got)
	}
	conn.Close()
	if code, _ := call(t, second, "POST", "/move", `"without a store"`); code != http.StatusOK {
		t.Errorf("a move without a store: %d", code)
	}
	if got := moves(t, second); got != `["saved","without a store"]` {
		t.Errorf("without a store the table has the moves %s", got)
	}
}
