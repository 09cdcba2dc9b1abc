package gateway

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"testing"
	"time"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// hungUp is the connection of a client that has gone, and the writer of its answer.
type hungUp struct {
	*httptest.ResponseRecorder
	net.Conn
}

func (hungUp) Close() error { return nil }

func (hungUp) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (h *hungUp) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h, bufio.NewReadWriter(bufio.NewReader(http.NoBody), bufio.NewWriter(h)), nil
}

// Of a client that has gone before its upgrade was answered nothing is left, though its credential is good for long.
func TestUpgradeThatNobodyWaitsForLeavesNothing(t *testing.T) {
	g := &Gateway{Now: time.Now}
	g.prepare()
	left := make(chan struct{})
	upgradeGone(t, g, left)
	for late := time.After(20 * time.Second); ; {
		runtime.GC()
		select {
		case <-left:
			return
		case <-late:
			t.Fatal("something holds the connection until the credential ends")
		default:
		}
	}
}

// upgradeGone answers the upgrade of a client that has gone. When nothing of it is left, that channel is closed.
func upgradeGone(t *testing.T, g *Gateway, left chan<- struct{}) {
	t.Helper()
	client := &hungUp{ResponseRecorder: httptest.NewRecorder()}
	runtime.AddCleanup(client, func(left chan<- struct{}) { close(left) }, left)
	pod, _ := net.Pipe()
	x := &exchange{
		gateway: g, in: httptest.NewRequest(http.MethodGet, "/", http.NoBody), seat: seat{link: &link{conn: &podConn{Conn: pod}}},
		target: &resolve.Target{Template: &resolve.Template{}, Caller: access.Caller{Until: g.Now().Add(time.Hour)}},
	}
	err := x.upgrade(client, &http.Response{StatusCode: http.StatusSwitchingProtocols, Body: http.NoBody, Header: http.Header{}})
	if !errors.Is(err, answer.ErrClientGone) || x.seated {
		t.Errorf("the answer: %v", err)
	}
}
