package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dormouse-dev/dormouse/internal/directory"
	"github.com/dormouse-dev/dormouse/internal/gateway"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// asleep are sessions that nothing wakes.
type asleep struct{}

func (asleep) Enter(directory.ID) (*directory.Visit, bool) { return nil, false }

func (asleep) Wake(ctx context.Context, _ directory.Wish) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// pipes is a listener without a network, so that a bubble knows when all wait.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

// A gateway whose view is stale dials no pod, and says why: it does not say that the session comes and goes.
func TestStaleIsUnavailable(t *testing.T) {
	w := awake(t, echo)
	w.dir.SetStale(true)
	w.wakeBy(func(context.Context, directory.Wish) error {
		return &directory.Refusal{Kind: directory.Unavailable, Reason: "Unavailable"}
	})
	res, body := w.get("a", "/")
	wantProblem(t, res, body, http.StatusServiceUnavailable, answer.ReasonUnavailable)
}

// A gateway that ends answers those who still wait for a session, a second before it would cut them off.
func TestWhoWaitsIsAnsweredBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gateway.Gateway{
			Sessions: asleep{}, Now: time.Now, Log: slog.New(slog.DiscardHandler),
			Address: func(string) (directory.Pod, bool) { return directory.Pod{}, false },
		}
		patient := func(t *resolve.Template) { t.WakeTimeout = time.Minute }
		g.Publish([]resolve.Template{chess(patient), chess(patient, func(t *resolve.Template) { t.Name, t.Raw = "raw", true })})
		plain, raw := newPipes(), newPipes()
		server := &gateway.Server{Gateway: g, Raw: raw}
		ctx, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- server.Run(ctx, plain) }()

		client, secure := plain.dial(), tls.Client(raw.dial(), &tls.Config{ServerName: "a.chess.test"})
		if _, err := io.WriteString(client, "GET / HTTP/1.1\r\nHost: a.chess.test\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		shaken := make(chan error, 1)
		go func() { shaken <- secure.HandshakeContext(context.Background()) }()
		synctest.Wait()
		end()
		began := time.Now()
		res, err := http.ReadResponse(bufio.NewReader(client), nil)
		if err != nil {
			t.Fatal("cut off: ", err)
		}
		if waited, want := time.Since(began), gateway.DefaultShutdownDelay+gateway.DefaultDrainTimeout-time.Second; waited != want {
			t.Errorf("answered after %v, want %v", waited, want)
		}
		var doc struct{ Reason, Cause, Outcome string }
		if err := json.NewDecoder(res.Body).Decode(&doc); err != nil {
			t.Error(err)
		}
		if res.StatusCode != 503 || res.Header.Get("Retry-After") != "1" || doc != struct{ Reason, Cause, Outcome string }{"Unavailable", "GatewayEnds", "not-sent"} {
			t.Errorf("got %s, %v, %+v", res.Status, res.Header, doc)
		}
		if err := <-shaken; err == nil || !strings.Contains(err.Error(), "remote error: tls: internal error") {
			t.Errorf("the raw connection: %v", err)
		}
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
