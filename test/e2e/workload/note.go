package main

import (
	"net/http"
	"os"
)

// note is a file in a volume of the session, if it has one.
const note = "/data/note"

// write puts what the query says into the note.
func write(w http.ResponseWriter, r *http.Request) {
	if err := os.WriteFile(note, []byte(r.URL.Query().Get("say")), 0o600); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}
