// Command archive keeps a text for each key, in memory: GET /<key> reads it, PUT /<key> writes it. A writer says its Fence, and
// one that is older than the latest writer of that key is refused.
package main

import (
	"io"
	"log"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// most is how many bytes one key may have.
const most = 1 << 20

// record is what is kept for one key.
type record struct {
	fence int64 // of its writer
	text  []byte
}

type archive struct {
	mu      sync.Mutex
	records map[string]record // by the path
}

func main() {
	log.SetFlags(0)
	a := &archive{records: map[string]record{}}
	server := &http.Server{Addr: ":8080", Handler: a, ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// ServeHTTP implements http.Handler.
func (a *archive) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		a.get(w, r)
	case http.MethodPut:
		a.put(w, r)
	default:
		http.Error(w, "GET or PUT", http.StatusMethodNotAllowed)
	}
}

func (a *archive) get(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	found, ok := a.records[r.URL.EscapedPath()]
	a.mu.Unlock()
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write(found.text) // fails only when the client is gone
}

func (a *archive) put(w http.ResponseWriter, r *http.Request) {
	fence, err := strconv.ParseInt(r.Header.Get("Fence"), 10, 64)
	if err != nil {
		http.Error(w, "Fence: "+err.Error(), http.StatusBadRequest)
		return
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	key := r.URL.EscapedPath()
	if a.records[key].fence > fence {
		http.Error(w, "a later process has written this key", http.StatusConflict)
		return
	}
	a.records[key] = record{fence, text}
	w.WriteHeader(http.StatusNoContent)
}
