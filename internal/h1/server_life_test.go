package h1_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dormouse-dev/dormouse/internal/h1"
)

// Who asks for the end of a request's context learns that the client has gone, also behind a body that was read.
func TestClientThatHangsUp(t *testing.T) {
	for name, text := range map[string]string{"no body": get, "a body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok"} {
		t.Run(name, func(t *testing.T) {
			in, out := make(chan struct{}), make(chan error)
			dial, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithTimeout(r.Context(), 10*time.Second)
				defer cancel()
				_, _ = io.ReadAll(r.Body)
				close(in)
				<-ctx.Done()
				out <- ctx.Err()
			})
			c := dial()
			_, _ = io.WriteString(c, text)
			<-in
			_ = c.Close()
			if err := <-out; err != context.Canceled { //nolint:errorlint // the value itself
				t.Errorf("got %v", err)
			}
		})
	}
}

// Who watches a client reads nothing of its next request away.
func TestWatchedClientGoesOn(t *testing.T) {
	seen := make(chan struct{}, 10)
	dial, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			t.Error("it has not gone")
		case seen <- struct{}{}:
		}
		says(w, r)
	})
	c := dial()
	for range 3 {
		if bodies, _, err := talk(t, c, get+get, "GET", "GET"); err != nil || bodies[1] != `GET /1 "" map[]` {
			t.Fatalf("got %q, %v", bodies, err)
		}
	}
}

// A body that nobody reads is no part of the next request. If it is long, there is no next one.
func TestBodyThatNobodyReads(t *testing.T) {
	dial, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "no") })
	post := func(n int) string {
		return "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + strings.Repeat("9", n) + "\r\n\r\n"
	}
	c := dial()
	if bodies, _, err := talk(t, c, post(2)+strings.Repeat("x", 99)+get, "POST", "GET"); err != nil || len(bodies) != 2 {
		t.Errorf("got %q, %v", bodies, err)
	}
	if _, res, err := talk(t, c, post(9), "POST"); err != nil || !res.Close || !closed(c) {
		t.Errorf("got %v, %v", res, err)
	}
}

// A body that another goroutine reads can be given up.
func TestBodyThatIsGivenUp(t *testing.T) {
	ended := make(chan error, 1)
	dial, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			_, _ = io.WriteString(w, "again")
			return
		}
		reads := make(chan struct{})
		go func() {
			_, _ = r.Body.Read(make([]byte, 1))
			close(reads)
			_, err := io.ReadAll(r.Body)
			ended <- err
		}()
		<-reads
		_ = r.Body.Close()
		if err := <-ended; err == nil {
			t.Error("it was read whole")
		}
		_, _ = io.WriteString(w, "no")
	})
	c := dial()
	if bodies, _, err := talk(t, c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nx", "POST"); err != nil || bodies[0] != "no" {
		t.Errorf("got %q, %v", bodies, err)
	}
	if bodies, _, err := talk(t, c, "yz"+get, "GET"); err != nil || bodies[0] != "again" {
		t.Errorf("got %q, %v", bodies, err)
	}
}

// A reader of a body that outlives its request reads nothing of what comes then.
func TestReaderThatOutlivesItsRequest(t *testing.T) {
	ended := make(chan error, 1)
	var former io.Reader
	dial, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			says(w, r)
			return
		}
		former = r.Body
		reads := make(chan struct{})
		go func() {
			_, _ = r.Body.Read(make([]byte, 1))
			close(reads)
			_, err := io.ReadAll(r.Body)
			ended <- err
		}()
		<-reads
	})
	c := dial()
	if bodies, _, err := talk(t, c, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nx", "POST"); err != nil || bodies[0] != "" {
		t.Fatalf("got %q, %v", bodies, err)
	}
	if err := <-ended; err == nil {
		t.Error("the body was read whole")
	}
	if bodies, _, err := talk(t, c, "yz"+get, "GET"); err != nil || bodies[0] != `GET /1 "" map[]` {
		t.Errorf("got %q, %v", bodies, err)
	}
	if n, err := former.Read(make([]byte, 1)); n != 0 || !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("read %d bytes of a request that is over, %v", n, err)
	}
}

func TestShutdown(t *testing.T) {
	in, out := make(chan struct{}), make(chan struct{})
	dial, s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(in)
			<-out
		}
		says(w, r)
	})
	idle, busy := dial(), dial()
	if _, _, err := talk(t, idle, get, "GET"); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(busy, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
	<-in
	ended := make(chan error)
	go func() { ended <- s.Shutdown(t.Context()) }()
	if !closed(idle) {
		t.Error("an idle connection is open")
	}
	close(out)
	if _, res, err := talk(t, busy, "", "GET"); err != nil || !res.Close || !closed(busy) {
		t.Errorf("got %v, %v", res, err)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestShutdownHasADeadline(t *testing.T) {
	in := make(chan struct{})
	dial, s := serve(t, func(_ http.ResponseWriter, r *http.Request) { close(in); <-r.Context().Done() })
	_, _ = io.WriteString(dial(), get)
	<-in
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("it ended in time")
	}
}

func TestSlowClientIsCutOff(t *testing.T) {
	dial, _ := serve(t, says, func(s *h1.Server) { s.HeaderTimeout, s.IdleTimeout = 50*time.Millisecond, 50*time.Millisecond })
	for name, text := range map[string]string{"says nothing": "", "half a head": "GET / HTTP/1.1\r\n", "is idle": get, "half the next": get + "GET "} {
		c := dial()
		_, _ = io.WriteString(c, text)
		if _, err := io.ReadAll(c); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHijack(t *testing.T) {
	dial, s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		c, b, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = c.Close() }()
		early, _ := b.Peek(b.Reader.Buffered())
		_, _ = c.Write(early)
	})
	c := dial()
	_, _ = io.WriteString(c, get+"hello")
	if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// A connection that was given away is nobody's but its new owner's, also when its handler is over.
func TestHijackedForGood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		defer func() { _ = near.Close() }()
		conn := &deadlines{Conn: far}
		s := &h1.Server{Other: &http.Server{ReadHeaderTimeout: time.Minute}, HeaderTimeout: time.Minute, IdleTimeout: time.Minute, MaxHead: 4 << 10, Now: time.Now}
		s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_ = r.Context().Done() // somebody watches until then
			if _, _, err := http.NewResponseController(w).Hijack(); err != nil {
				t.Error(err)
			}
			conn.set.Store(0)
		})
		go func() { _ = s.Serve(&single{conn: conn, over: make(chan struct{})}) }()
		_, _ = io.WriteString(near, get)
		synctest.Wait()
		if n := conn.set.Load(); n != 0 {
			t.Errorf("its deadlines were set %d times", n)
		}
		_ = s.Close()
	})
}

// deadlines counts how often deadlines are set.
type deadlines struct {
	net.Conn
	set atomic.Int32
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	d.set.Add(1)
	return d.Conn.SetReadDeadline(at)
}

// single is a listener with one connection.
type single struct {
	conn net.Conn
	over chan struct{}
	once sync.Once
}

func (l *single) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	<-l.over
	return nil, net.ErrClosed
}

func (l *single) Close() error {
	l.once.Do(func() { close(l.over) })
	return nil
}
func (l *single) Addr() net.Addr { return &net.TCPAddr{} }
