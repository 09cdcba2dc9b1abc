package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/dormouse-dev/dormouse/client"
)

const maxWish = 1 << 20 // bytes

// wish is what somebody wants: tables of one game, at most client.MaxBatch.
type wish struct {
	Game   string     `json:"game"`
	Tables []string   `json:"tables"` // their keys
	House  bool       `json:"house"`  // the house is the second player
	Begins *time.Time `json:"begins"` // of a tournament: all of them wake then
}

// told is what became of a wish: how many rows and how many Sessions were made. The others were there.
type told struct {
	Rows     int64 `json:"rows"`
	Sessions int   `json:"sessions"`
}

type lobby struct {
	namespace string
	sessions  *client.Client
}

// handler: POST /tables makes tables. To send it again makes those that are missing.
func (l *lobby) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tables", func(rw http.ResponseWriter, r *http.Request) {
		var w wish
		if err := json.NewDecoder(http.MaxBytesReader(rw, r.Body, maxWish)).Decode(&w); err != nil || len(w.Tables) == 0 {
			http.Error(rw, `wanted: {"game": "nim", "tables": ["a", "b"]}, and if you like "house": true, "begins": "2026-12-24T18:00:00Z"`, http.StatusBadRequest)
			return
		}
		t, err := l.open(r.Context(), w)
		if err != nil {
			http.Error(rw, err.Error(), http.StatusBadGateway)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(t) // fails only when the client is gone
	})
	return mux
}

// open makes the rows, and then the Sessions: a table that can be woken can be loaded.
func (l *lobby) open(ctx context.Context, w wish) (t told, err error) {
	if w.Begins != nil {
		*w.Begins = w.Begins.UTC().Truncate(time.Second) // as an alarm is
	}
	if t.Rows, err = insert(ctx, w); err != nil {
		return t, fmt.Errorf("make rows: %w", err)
	}
	if t.Sessions, err = l.register(ctx, w); err != nil || w.Begins == nil || time.Now().Before(*w.Begins) {
		return t, err
	}
	for _, key := range w.Tables { // it has begun meanwhile, and what is over when a Session is made is no alarm of it
		if _, err := l.sessions.Wake(ctx, client.Ref{Namespace: l.namespace, Template: w.Game, Key: key}, false); err != nil {
			return t, fmt.Errorf("wake table %s: %w", key, err)
		}
	}
	return t, nil
}

// register makes the Sessions that are missing, and says how many there were to make.
func (l *lobby) register(ctx context.Context, w wish) (made int, err error) {
	lines := make([]client.Line, len(w.Tables))
	for i, key := range w.Tables {
		lines[i].Key = key
		if w.Begins != nil {
			lines[i].Alarms = []string{w.Begins.Format(time.RFC3339)}
		}
	}
	results, err := l.sessions.CreateAll(ctx, l.namespace, w.Game, lines)
	if err != nil {
		return made, fmt.Errorf("make Sessions: %w", err)
	}
	for _, r := range results {
		if !r.Stored() {
			return made, fmt.Errorf("make the Session of table %s: %d %s %s", r.Key, r.Status, r.Reason, r.Detail)
		}
		if r.Status == http.StatusCreated {
			made++
		}
	}
	return made, nil
}
