//go:build linux

package swarm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// workload is what runs in one pod: a counter of its key. Nothing of it happens any more once it is dead.
type workload struct {
	identity
	store   *store
	hangs   func() time.Duration
	done    chan struct{} // closed when it has no more to do; nil: there is always more
	through bool          // each step of the count is in the store before it is answered; else the save hook puts it there

	mu       sync.Mutex
	dead     bool
	count    int64
	listener net.Listener
	server   *http.Server
}

// identity is who answers.
type identity struct {
	UID   string `json:"uid"`
	Key   string `json:"key"` // namespace/template/key
	Epoch int64  `json:"epoch"`
	Fence int64  `json:"fence"`
}

// answer is what a pod says.
type answer struct {
	identity
	Count int64 `json:"count"`
	// Meant is whom the request was for, if it was for another pod.
	Meant string `json:"meant,omitempty"`
}

// listen loads the count and opens the port: an open port is a loaded session.
func (w *workload) listen(address string) error {
	count, err := w.store.load(w.Key, w.Fence)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		return nil
	}
	w.count = count
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(rw http.ResponseWriter, r *http.Request) { w.serve(rw, r, 0) })
	mux.HandleFunc("POST /{$}", func(rw http.ResponseWriter, r *http.Request) { w.serve(rw, r, 1) })
	mux.HandleFunc("POST /save", w.save)
	all := http.NewServeMux()
	all.HandleFunc("GET "+identityPath, func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, w.UID) })
	all.Handle("/", w.mine(mux))
	w.listener, w.server = l, &http.Server{Handler: all, ErrorLog: log.New(io.Discard, "", 0)}
	go func(s *http.Server) { _ = s.Serve(l) }(w.server)
	return nil
}

// mine refuses what was meant for another pod: gateway and operator say whom they mean.
func (w *workload) mine(next http.Handler) http.Handler {
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		key, epoch := r.Header.Get(v1alpha1.HeaderKey), r.Header.Get(v1alpha1.HeaderEpoch)
		if key != keyOf(w.Key) || epoch != strconv.FormatInt(w.Epoch, 10) {
			a := answer{identity: w.identity, Meant: key + " " + epoch}
			rw.WriteHeader(http.StatusMisdirectedRequest)
			_ = json.NewEncoder(rw).Encode(a)
			return
		}
		next.ServeHTTP(rw, r)
	})
}

// serve counts after the time that the query before says, and answers after the time that after says.
func (w *workload) serve(rw http.ResponseWriter, r *http.Request, add int64) {
	pause(r.Context(), r.URL.Query().Get("before"))
	a, err := w.step(add)
	pause(r.Context(), r.URL.Query().Get("after"))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusConflict)
		return
	}
	if idle := r.URL.Query().Get("idle"); idle != "" {
		rw.Header().Set(v1alpha1.HeaderIdleAfter, idle)
	}
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(a)
	if w.done != nil && a.Count == greetings {
		close(w.done)
	}
}

func pause(ctx context.Context, text string) {
	d, err := time.ParseDuration(text)
	if err != nil {
		return
	}
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// step is the one place where the count changes.
func (w *workload) step(add int64) (answer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		panic(http.ErrAbortHandler)
	}
	if add > 0 && w.through {
		if err := w.store.save(w.Key, w.Fence, w.count+add); err != nil {
			return answer{}, err
		}
	}
	w.count += add
	return answer{identity: w.identity, Count: w.count}, nil
}

// save is the save hook.
func (w *workload) save(rw http.ResponseWriter, _ *http.Request) {
	time.Sleep(w.hangs())
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.dead {
		panic(http.ErrAbortHandler)
	}
	if err := w.store.save(w.Key, w.Fence, w.count); err != nil {
		http.Error(rw, err.Error(), http.StatusConflict)
		return
	}
	rw.WriteHeader(http.StatusNoContent)
}

// terminate is SIGTERM: requests in flight end, as long as grace lasts. Then it is dead.
func (w *workload) terminate(grace time.Duration) {
	w.mu.Lock()
	s := w.server
	w.mu.Unlock()
	if s != nil {
		ctx, cancel := context.WithTimeout(context.Background(), grace)
		defer cancel()
		_ = s.Shutdown(ctx)
	}
	w.kill()
}

// kill is SIGKILL: whatever goes on there ends in its midst.
func (w *workload) kill() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead = true
	if w.server != nil {
		_, _ = w.listener.Close(), w.server.Close() // a server that does not serve yet does not know its listener
	}
}

func (i identity) String() string {
	return fmt.Sprintf("epoch %d of %s (pod %s, fence %s)", i.Epoch, i.Key, i.UID, fenceText(i.Fence))
}
