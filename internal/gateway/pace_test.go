package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// line is a client's connection on a clock of its own: each read and each write of it takes a while and moves some bytes, if its
// deadline lets it.
type line struct {
	http.ResponseWriter
	now      time.Time
	deadline time.Time
	takes    time.Duration
	moves    int
}

func (l *line) SetReadDeadline(t time.Time) error  { l.deadline = t; return nil }
func (l *line) SetWriteDeadline(t time.Time) error { l.deadline = t; return nil }

func (l *line) move() (int, error) {
	if end := l.now.Add(l.takes); !l.deadline.IsZero() && l.deadline.Before(end) {
		l.now = l.deadline
		return 0, os.ErrDeadlineExceeded
	}
	l.now = l.now.Add(l.takes)
	return l.moves, nil
}

func (l *line) Read([]byte) (int, error)  { return l.move() }
func (l *line) Write([]byte) (int, error) { return l.move() }
func (l *line) Close() error              { return nil }
func (l *line) FlushError() error         { _, err := l.move(); return err }

// pacedFor lets a client move again and again for an hour, and gives when it was cut off; zero: it was not.
func pacedFor(l *line, g *Gateway, move func(http.ResponseWriter, *http.Request) error) time.Duration {
	l.ResponseWriter = httptest.NewRecorder()
	g.Now = func() time.Time { return l.now }
	begin, cut := l.now, time.Duration(0)
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.Body = l
	g.pace(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for l.now.Sub(begin) < time.Hour {
			if err := move(w, r); errors.Is(err, os.ErrDeadlineExceeded) {
				cut = l.now.Sub(begin)
				return
			}
			l.now = l.now.Add(time.Minute) // the application is slow
		}
	})).ServeHTTP(l, r)
	return cut
}

func readSome(_ http.ResponseWriter, r *http.Request) error {
	_, err := io.ReadAtLeast(r.Body, make([]byte, 1), 1)
	return err
}

func writeSome(w http.ResponseWriter, _ *http.Request) error {
	_, err := w.Write(nil)
	return err
}

func flushSome(w http.ResponseWriter, _ *http.Request) error {
	return http.NewResponseController(w).Flush()
}

// The slowest client that is served moves MinRate bytes in each second in which it is waited for.
func TestMinimumRate(t *testing.T) {
	const off = -1
	for _, tt := range []struct {
		name  string
		each  time.Duration
		moves int
		rate  int
		cut   bool
	}{
		{"240 bytes a second", time.Second, 240, 0, false},
		{"239 bytes a second", time.Second, 239, 0, true},
		{"its share at the last moment", 30 * time.Second, 7200, 0, false},
		{"nothing for too long", 30*time.Second + 1, 1 << 20, 0, true},
		{"a byte now and then", 29 * time.Second, 1, 0, true},
		{"a byte now and then, and that is enough", 29 * time.Second, 1, off, false},
		{"at once, and little", 0, 1, 0, false},
	} {
		for way, move := range map[string]func(http.ResponseWriter, *http.Request) error{"sends": readSome, "takes": writeSome} {
			t.Run(tt.name+", "+way, func(t *testing.T) {
				l := &line{now: time.Unix(1e9, 0), takes: tt.each, moves: tt.moves}
				cut := pacedFor(l, &Gateway{Stall: DefaultStall, MinRate: orDefault(tt.rate, DefaultMinRate)}, move)
				if (cut != 0) != tt.cut {
					t.Errorf("cut off after %s", cut)
				}
			})
		}
	}
}

// What Write keeps, Flush sends: a client that takes its time there is waited for as well.
func TestFlushIsWaitedFor(t *testing.T) {
	l := &line{now: time.Unix(1e9, 0), takes: 10 * time.Second}
	if cut := pacedFor(l, &Gateway{Stall: DefaultStall, MinRate: DefaultMinRate}, flushSome); cut == 0 {
		t.Error("a client that takes nothing of three flushes was not cut off")
	}
}

// writeLine is a line whose deadline for writes is kept apart.
type writeLine struct {
	*line
	write time.Time
}

func (l *writeLine) SetWriteDeadline(t time.Time) error { l.write = t; return nil }

// A client that does not take what it is asked for its body with is cut off like any other: the read that writes it has no end else.
func TestContinueHasToBeTaken(t *testing.T) {
	l := &writeLine{line: &line{ResponseWriter: httptest.NewRecorder(), now: time.Unix(1e9, 0)}}
	g := &Gateway{Stall: DefaultStall, MinRate: DefaultMinRate, Now: func() time.Time { return l.now }}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader("x"))
	r.Header.Set("Expect", "100-continue")
	var early, asked time.Time
	g.pace(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		early, l.now = l.write, l.now.Add(time.Minute) // which is how long it was held
		_, _ = r.Body.Read(make([]byte, 1))
		asked = l.write
	})).ServeHTTP(l, r)
	if want := l.now.Add(DefaultStall); !early.IsZero() || !asked.Equal(want) {
		t.Errorf("it has until %s, want %s", asked, want)
	}
}
