package main

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"net/http"
	"strconv"
	"sync"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

// most is how many bytes one message may have.
const most = 4096

//go:embed page
var files embed.FS

// policy lets the page load nothing but what this process serves, and speak to nobody else.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// handler is the room's face: GET / is a page, GET /messages what was said (with ?from=7, once there are more than 7), POST /messages says something, GET /ws is a WebSocket that does
// both, POST /save is Dormouse's save hook, and GET /ready says that the room is loaded.
func handler(r *room, a *archive) http.Handler {
	page, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // it is embedded
	}
	mux := http.NewServeMux()
	mux.Handle("GET /", strict(http.FileServerFS(page)))
	mux.HandleFunc("GET /messages", func(w http.ResponseWriter, q *http.Request) {
		if n, err := strconv.Atoi(q.URL.Query().Get("from")); err == nil { // wait until there is one of that number
			_, _, _ = r.from(q.Context(), n)
		}
		show(w, r)
	})
	mux.HandleFunc("POST /messages", func(w http.ResponseWriter, q *http.Request) {
		var m message
		if err := json.NewDecoder(http.MaxBytesReader(w, q.Body, most)).Decode(&m); err != nil || m.Text == "" {
			http.Error(w, `a message is {"from": "...", "text": "..."} of at most 4 KiB`, http.StatusBadRequest)
			return
		}
		r.say(m)
		show(w, r)
	})
	mux.HandleFunc("GET /ws", func(w http.ResponseWriter, q *http.Request) { talk(w, q, r) })
	mux.HandleFunc("POST /save", func(w http.ResponseWriter, q *http.Request) {
		if err := a.save(q.Context(), r.view().Messages); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {}) // it listens only when it is loaded
	return mux
}

func show(w http.ResponseWriter, r *room) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(r.view()) // fails only when the client is gone
}

func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// talk has one client listen and speak until it goes. The gateway names its connection, and keeps it while the room sleeps.
func talk(w http.ResponseWriter, q *http.Request, r *room) {
	conn, err := websocket.Accept(w, q, nil)
	if err != nil {
		return // it is answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(most)
	ctx, leave := context.WithCancel(q.Context())
	var told sync.WaitGroup
	told.Go(func() {
		defer leave()
		name, back := connection(q.Header)
		n := r.enter(name, back)
		defer func() { r.exit(name, n) }()
		for err := error(nil); err == nil; {
			n, err = tell(ctx, conn, r, n)
		}
	})
	for ctx.Err() == nil {
		var m message
		if wsjson.Read(ctx, conn, &m) != nil { // it has gone, or talks nonsense
			break
		}
		r.say(m)
	}
	leave()
	told.Wait()
}

// connection is the name that the gateway has for a connection, and whether that comes back.
func connection(h http.Header) (name string, back bool) {
	if name = h.Get("Session-Resumed"); name != "" {
		return name, true
	}
	return h.Get("Session-Connection"), false
}

// tell tells a connection what it has not been told, and returns the number of the next message that it is to be told.
func tell(ctx context.Context, conn *websocket.Conn, r *room, n int) (int, error) {
	all, next, err := r.from(ctx, n)
	if err != nil {
		return n, err
	}
	for i, m := range all {
		if err := wsjson.Write(ctx, conn, m); err != nil {
			return next - len(all) + i, err
		}
	}
	return next, nil
}
