// Command results keeps what workers leave behind, in memory. PUT /USER/PIPELINE/WORKER writes the record of one worker; GET /USER reads all
// of a user's, by PIPELINE/WORKER, GET /USER/PIPELINE those of one pipeline, by WORKER, and DELETE forgets them.
package main

import (
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

const (
	maxRecord  = 64 << 10 // bytes
	maxRecords = 10_000   // of all users; beyond that the store is full
)

// results are the records, by their paths.
type results struct {
	mu   sync.Mutex
	most int
	all  map[string]json.RawMessage
}

func main() {
	log.SetFlags(0)
	s := &results{most: maxRecords, all: map[string]json.RawMessage{}}
	server := &http.Server{Addr: ":8080", Handler: s.handler(), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

func (s *results) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /{user}/{pipeline}/{worker}", s.put)
	mux.HandleFunc("GET /{path...}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(s.below(r.PathValue("path"))) // fails only when the client is gone
	})
	mux.HandleFunc("DELETE /{path...}", func(w http.ResponseWriter, r *http.Request) {
		s.forget(r.PathValue("path"))
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (s *results) put(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRecord))
	if err != nil || !json.Valid(text) {
		http.Error(w, "a record is JSON of at most 64 KiB", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/")
	if _, there := s.all[path]; !there && len(s.all) >= s.most {
		http.Error(w, "the store is full", http.StatusInsufficientStorage)
		return
	}
	s.all[path] = text
	w.WriteHeader(http.StatusNoContent)
}

// below are the records whose paths begin with that of a user or a pipeline, by the rest of their paths.
func (s *results) below(path string) map[string]json.RawMessage {
	s.mu.Lock()
	defer s.mu.Unlock()
	found := map[string]json.RawMessage{}
	for p, record := range s.all {
		if rest, ok := strings.CutPrefix(p, path+"/"); ok {
			found[rest] = record
		}
	}
	return found
}

func (s *results) forget(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.all, func(p string, _ json.RawMessage) bool { return strings.HasPrefix(p, path+"/") })
}
