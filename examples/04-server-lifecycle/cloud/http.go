package main

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// most is how many bytes a request may have.
const most = 1 << 10

// wish is what a request asks for.
type wish struct {
	Server   string `json:"server"`
	Size     string `json:"size"`
	Packages int    `json:"packages"`
}

func (c *cloud) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /machines/{token}", asked(c.putMachine))
	mux.HandleFunc("PUT /machines/{token}/configuration", asked(func(w http.ResponseWriter, r *http.Request, want wish) {
		m, status := c.configure(r.PathValue("token"), want.Packages)
		answer(w, status, m)
	}))
	mux.HandleFunc("PUT /records/{token}", asked(func(w http.ResponseWriter, r *http.Request, want wish) {
		record, status := c.record(r.PathValue("token"), want.Server, time.Now())
		answer(w, status, record)
	}))
	for kind, all := range map[string]map[string]*thing{"machines": c.machines, "records": c.records} {
		mux.HandleFunc("GET /"+kind, func(w http.ResponseWriter, r *http.Request) {
			answer(w, http.StatusOK, c.of(all, r.URL.Query().Get("server")))
		})
		mux.HandleFunc("GET /"+kind+"/{token}", func(w http.ResponseWriter, r *http.Request) {
			found, status := c.look(all, r.PathValue("token"), time.Now())
			answer(w, status, found)
		})
	}
	mux.HandleFunc("DELETE /machines/{token}", func(w http.ResponseWriter, r *http.Request) {
		if c.destroy(c.machines, r.PathValue("token")) {
			wait(r.Context(), moves)
		}
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /records/{token}", func(w http.ResponseWriter, r *http.Request) {
		c.destroy(c.records, r.PathValue("token"))
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (c *cloud) putMachine(w http.ResponseWriter, r *http.Request, want wish) {
	m, status := c.machine(r.PathValue("token"), want.Server, want.Size, time.Now())
	switch status {
	case silence:
		<-r.Context().Done()
		return
	case http.StatusOK, http.StatusCreated:
		wait(r.Context(), time.Until(m.Made.Add(moves)))
	}
	answer(w, status, m)
}

// asked reads what a request asks for.
func asked(do func(http.ResponseWriter, *http.Request, wish)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var want wish
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, most)).Decode(&want); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		do(w, r, want)
	}
}

// answer says what there is, or by the status alone what there is not.
func answer(w http.ResponseWriter, status int, what any) {
	if status >= http.StatusBadRequest {
		http.Error(w, http.StatusText(status), status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(what) // fails only when the client is gone
}

// wait waits for so long, or until the client is gone.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
