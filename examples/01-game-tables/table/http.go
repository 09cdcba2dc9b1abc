package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http"
	"strings"
	"time"
)

// What a table says to Dormouse in its answers.
const (
	headerIdleAfter = "Session-Idle-After"
	headerBusy      = "Session-Busy"
)

const (
	untouched    = "1s" // how long a table at which nobody has moved waits for somebody
	maxMoveBytes = 64
)

// handler is the table's face: GET / shows it, POST /move makes a move, such as b2, POST /save is Dormouse's save hook, and GET /ready
// says that the table is loaded. A table at which somebody has moved waits for the next move for the time of idle.
func handler(t *table, idle time.Duration) http.Handler {
	answer := func(w http.ResponseWriter, v view, err error) {
		if err != nil {
			http.Error(w, err.Error(), status(err))
			return
		}
		say(w.Header(), v, idle, t.think)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v) // fails only when the client is gone
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		v, err := t.look()
		answer(w, v, err)
	})
	mux.HandleFunc("POST /move", func(w http.ResponseWriter, r *http.Request) {
		m, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxMoveBytes))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		v, err := t.move(r.Context(), strings.TrimSpace(string(m)))
		answer(w, v, err)
	})
	mux.HandleFunc("POST /save", func(w http.ResponseWriter, r *http.Request) {
		if err := t.save(r.Context()); err != nil {
			log.Printf("save: %v", err)
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

// say tells how long the table is to stay, as the game stands now.
func say(h http.Header, v view, idle, think time.Duration) {
	h.Set(headerIdleAfter, idle.String())
	if len(v.Moves) == 0 {
		h.Set(headerIdleAfter, untouched)
	}
	if v.Thinking {
		h.Set(headerBusy, (think + margin).String()) // the answer goes, and the work goes on
	}
}

// status is the HTTP status of an error: what is against the rules, or comes too late, is not the database's fault.
func status(err error) int {
	for _, conflict := range []error{errNoMove, errOver, errThinking, errTooEarly, errLate} {
		if errors.Is(err, conflict) {
			return http.StatusConflict
		}
	}
	return http.StatusServiceUnavailable
}
