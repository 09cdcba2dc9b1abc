package main

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// handler is the table's face: GET / shows it, POST /move adds a move, POST /save is Dormouse's save hook, and GET
// /ready says that the table was loaded.
func handler(t *table) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		v, err := t.look()
		answer(w, v, err)
	})
	mux.HandleFunc("POST /move", func(w http.ResponseWriter, r *http.Request) {
		m, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMoveBytes))
		if err != nil || !json.Valid(m) {
			http.Error(w, "a move is JSON of at most 1 KiB", http.StatusBadRequest)
			return
		}
		v, err := t.move(m)
		answer(w, v, err)
	})
	mux.HandleFunc("POST /save", func(w http.ResponseWriter, r *http.Request) {
		if err := t.save(r.Context()); err != nil {
			http.Error(w, err.Error(), status(err))
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /ready", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := t.look(); err != nil {
			http.Error(w, err.Error(), status(err))
		}
	})
	return mux
}

func answer(w http.ResponseWriter, v view, err error) {
	if err != nil {
		http.Error(w, err.Error(), status(err))
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails only when the client is gone
}

// status is the HTTP status of an error.
func status(err error) int {
	if errors.Is(err, errFull) || errors.Is(err, errFenced) {
		return http.StatusConflict
	}
	return http.StatusServiceUnavailable
}
