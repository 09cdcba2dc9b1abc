package e2e

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// store keeps the counts of sessions, beyond their pods. It takes a record only from the pod that took it over last.
type store struct {
	url string

	mu      sync.Mutex
	records map[string]*record // by path: /namespace/key
	fenced  int                // writes of a pod that is not the last
	saves   int
	holds   map[string]*hold
}

type record struct {
	Count int64 `json:"count"`
	fence int64
}

// hold keeps the saves of one key waiting.
type hold struct {
	arrived  chan struct{} // closed when a save waits
	arriving sync.Once
	released chan struct{}
}

// openStore serves the store at an address that pods reach, until the suite ends.
func openStore(ctx context.Context) *store {
	GinkgoHelper()
	s := &store{records: map[string]*record{}, holds: map[string]*hold{}}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", net.JoinHostPort(cl.HostIP, "0"))
	Expect(err).NotTo(HaveOccurred())
	s.url = "http://" + l.Addr().String()
	server := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = server.Serve(l) }()
	DeferCleanup(server.Close)
	return s
}

// ServeHTTP answers POST with the record, which the caller takes over, and PUT by writing it.
func (s *store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	fence, err := strconv.ParseInt(r.Header.Get("Session-Fence"), 10, 64)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var sent record
	if r.Method == http.MethodPut {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil || !s.wait(r) {
			http.Error(w, "no record came, or nobody waits for the answer", http.StatusBadRequest)
			return
		}
	}
	kept, ok := s.write(r.Method == http.MethodPut, r.URL.Path, fence, sent.Count)
	if !ok {
		http.Error(w, "a later pod has taken this key over", http.StatusConflict)
		return
	}
	_ = json.NewEncoder(w).Encode(kept) // fails only when the pod is gone
}

func (s *store) write(save bool, path string, fence, count int64) (record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.records[path]
	if r == nil {
		r = &record{}
		s.records[path] = r
	}
	if fence < r.fence {
		s.fenced++
		return record{}, false
	}
	r.fence = fence
	if save {
		r.Count = count
		s.saves++
	}
	return *r, true
}

// wait waits while the key's saves are held. It is false if the pod has given up.
func (s *store) wait(r *http.Request) bool {
	s.mu.Lock()
	h := s.holds[r.URL.Path]
	s.mu.Unlock()
	if h == nil {
		return true
	}
	h.arriving.Do(func() { close(h.arrived) })
	select {
	case <-h.released:
		return true
	case <-r.Context().Done():
		return false
	}
}

// hold lets the saves of a key wait until release is called; arrived is closed when the first one does.
func (s *store) hold(path string) (arrived <-chan struct{}, release func()) {
	h := &hold{arrived: make(chan struct{}), released: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.holds[path] = h
	return h.arrived, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.holds, path)
		close(h.released)
	})
}

// saved is the count that lies in the store, and refused how many writes came from pods that were not the last of their
// key, in all.
func (s *store) saved(path string) (count int64, refused int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.records[path]; r != nil {
		count = r.Count
	}
	return count, s.fenced
}
