package h1_test

import (
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/h1"
)

// A connection goes on behind an answer in chunks, and behind one whose handler has flushed it.
func TestConnectionGoesOnBehindChunks(t *testing.T) {
	for name, parts := range map[string][]string{
		"flushed": {"one", "two"},
		"large":   {strings.Repeat("x", 100<<10), "y"},
		"trailer": {"one"},
	} {
		t.Run(name, func(t *testing.T) {
			dial, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for _, part := range parts {
					_, _ = io.WriteString(w, part)
					_ = http.NewResponseController(w).Flush()
				}
				w.Header().Set(http.TrailerPrefix+"X-Sum", "1")
			})
			want := strings.Join(parts, "")
			bodies, last, err := talk(t, dial(), get+get+get, "GET", "GET", "GET")
			if err != nil || len(bodies) != 3 || bodies[2] != want || last.Close || last.ContentLength != -1 {
				t.Errorf("got %d answers, %v", len(bodies), err)
			}
		})
	}
}

// A handler that panics takes no connection from him whom it was given to.
func TestPanicBehindAHijack(t *testing.T) {
	conns := make(chan net.Conn, 1)
	over := make(chan struct{})
	dial, s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
		}
		conns <- conn
		panic("now")
	}, func(s *h1.Server) { s.Fault = func(any) { close(over) } })
	c := dial()
	_, _ = io.WriteString(c, get)
	theirs := <-conns
	<-over
	if err := s.Shutdown(t.Context()); err != nil { // it is not the server's any more
		t.Error(err)
	}
	_, err := io.WriteString(theirs, "hello")
	_ = theirs.Close()
	if got, _ := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
}
