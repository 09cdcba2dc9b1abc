package gateway

import (
	"errors"
	"io"
	"testing"

	"github.com/dormouse-dev/dormouse/internal/gateway/websocket"
)

// deaf is a connection that takes everything.
type deaf struct{ io.Reader }

func (deaf) Write(p []byte) (int, error) { return len(p), nil }
func (deaf) Close() error                { return nil }

// A client may say goodbye to its pod and, when that has gone without an answer, to the gateway. The second one ended the process of the
// gateway once: npm's ws found that.
func TestGoodbyeIsSaidTwice(t *testing.T) {
	tunnel := &tunnel{front: websocket.NewSide(deaf{}, false), goodbye: websocket.NewGoodbye(), dormancy: &dormancy{}}
	tunnel.dormancy.turn.L = &tunnel.dormancy.mu
	goodbye := []byte{0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8}
	pod := websocket.NewSide(deaf{}, true)
	pod.Closed = tunnel.goodbye
	if _, err := pod.Write(goodbye); err != nil {
		t.Fatal(err)
	}
	tunnel.dormancy.finish()
	if err := tunnel.hear(goodbye); !errors.Is(err, io.EOF) {
		t.Error(err)
	}
	select {
	case <-tunnel.goodbye.Said():
	default:
		t.Error("it is not heard")
	}
}
