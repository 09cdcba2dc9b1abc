package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// session is one pod of one key.
type session struct {
	key, epoch, uid string
	store           store
	exit            chan int

	mu    sync.Mutex
	count int64
}

// view is what a client sees of a session.
type view struct {
	UID   string `json:"uid"`
	Key   string `json:"key"`
	Epoch int64  `json:"epoch"`
	Count int64  `json:"count"`
}

func (s *session) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { s.show(w, 0) })
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, _ *http.Request) { s.show(w, 1) })
	mux.HandleFunc("POST /save", s.save)
	mux.HandleFunc("GET /slow", s.slow)
	mux.HandleFunc("GET /set", s.set)
	mux.HandleFunc("GET /ws", echo)
	mux.HandleFunc("GET /note", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, note) })
	mux.HandleFunc("POST /note", write)
	mux.HandleFunc("GET /input", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, os.Getenv("SESSION_INPUT")) })
	mux.HandleFunc("POST /exit", s.end)
	mux.HandleFunc("POST /call/work", s.work)
	mux.HandleFunc("POST /call/alarm", s.wakeMe)
	mux.HandleFunc("POST /call/sleep", s.rest)
	return s.mine(mux)
}

// mine refuses what was meant for another session or another epoch: the gateway and the operator say whom they mean.
func (s *session) mine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, epoch := r.Header.Get("Session-Key"), r.Header.Get("Session-Epoch")
		if key != s.key || epoch != s.epoch {
			http.Error(w, fmt.Sprintf("this is epoch %s of %s, not %s of %s", s.epoch, s.key, epoch, key), http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// show adds to the count and answers it.
func (s *session) show(w http.ResponseWriter, add int64) {
	epoch, _ := strconv.ParseInt(s.epoch, 10, 64)
	s.mu.Lock()
	s.count += add
	v := view{UID: s.uid, Key: s.key, Epoch: epoch, Count: s.count}
	s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // fails only when the client is gone
}

func (s *session) load(ctx context.Context) (err error) {
	s.count, err = s.store.load(ctx)
	return err
}

// save is the save hook.
func (s *session) save(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	count := s.count
	s.mu.Unlock()
	if err := s.store.save(r.Context(), count); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// slow takes as long as the query d says.
func (s *session) slow(w http.ResponseWriter, r *http.Request) {
	d, err := time.ParseDuration(r.URL.Query().Get("d"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	select {
	case <-time.After(d):
		s.show(w, 0)
	case <-r.Context().Done():
	}
}

// set answers with what the queries idle and busy say of how long the session stays awake.
func (s *session) set(w http.ResponseWriter, r *http.Request) {
	for query, header := range map[string]string{"idle": "Session-Idle-After", "busy": "Session-Busy"} {
		if v := r.URL.Query().Get(query); v != "" {
			w.Header().Set(header, v)
		}
	}
	s.show(w, 0)
}

// end answers, and ends the process with the exit code that the query says.
func (s *session) end(w http.ResponseWriter, r *http.Request) {
	code, err := strconv.Atoi(r.URL.Query().Get("code"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	s.show(w, 0)
	select {
	case s.exit <- code:
	default: // on its way already
	}
}

// echo sends every message back.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = conn.CloseNow() }()
	for {
		kind, message, err := conn.Read(r.Context())
		if err != nil {
			return
		}
		if err := conn.Write(r.Context(), kind, message); err != nil {
			return
		}
	}
}
