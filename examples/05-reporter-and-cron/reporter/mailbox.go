package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	maxReport       = 8 << 10 // bytes
	maxReports      = 1000    // of one mailbox; then the oldest goes
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 2 * time.Second
)

// mailbox is one user's.
type mailbox struct {
	mu      sync.Mutex
	reports []report
}

// put keeps a report, once: who reports may do so again.
func (m *mailbox) put(r report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !slices.Contains(m.reports, r) {
		m.reports = append(m.reports, r)
		m.reports = m.reports[max(0, len(m.reports)-maxReports):]
	}
}

func (m *mailbox) all() []report {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]report{}, m.reports...)
}

// handler: GET / shows the reports, POST / adds one, and GET /stuck never answers.
func (m *mailbox) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{ // fails only when the client is gone
			"user": os.Getenv("SESSION_KEY"), "epoch": os.Getenv("SESSION_EPOCH"), "reports": m.all(),
		})
	})
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		var one report
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxReport)).Decode(&one); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		m.put(one)
	})
	mux.HandleFunc("GET /stuck", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	return mux
}

func serveMailbox(ctx context.Context) error { return serve(ctx, new(mailbox).handler()) }

// serve serves until it is told to end.
func serve(ctx context.Context, h http.Handler) error {
	server := &http.Server{Addr: ":8080", Handler: h, ReadHeaderTimeout: headerTimeout}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
	defer cancel()
	if server.Shutdown(closing) != nil { // somebody is stuck
		return server.Close()
	}
	return nil
}
