package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// tally is what goes by on a WebSocket, for the line that the access log has of its end. A nil one counts nothing.
type tally struct {
	gateway  *Gateway
	began    time.Time
	client   string
	session  string
	template *resolve.Template
	in, out  atomic.Int64
}

func newTally(g *Gateway, r *http.Request, t *resolve.Target) *tally {
	return &tally{gateway: g, began: g.Now(), client: front.AddressOf(r), session: g.Names.Of(t.ID), template: t.Template}
}

// received counts what the client says.
func (c *tally) received(p []byte) {
	if c != nil {
		c.in.Add(int64(len(p)))
	}
}

// sent counts what it is told.
func (c *tally) sent(p []byte) {
	if c != nil {
		c.out.Add(int64(len(p)))
	}
}

// end writes the line.
func (c *tally) end() {
	if c == nil {
		return
	}
	c.gateway.Log.LogAttrs(context.Background(), slog.LevelInfo, "websocket",
		slog.String("client", c.client),
		slog.String("template", c.template.Namespace+"/"+c.template.Name),
		slog.String("session", c.session),
		slog.Int64("bytesIn", c.in.Load()),
		slog.Int64("bytesOut", c.out.Load()),
		slog.Duration("took", c.gateway.Now().Sub(c.began)),
	)
}

// expires ends the tunnel when the credential does by which it was opened.
func (t *tunnel) expires(in time.Duration) {
	t.expired = make(chan struct{})
	t.expiry = time.AfterFunc(in, func() { close(t.expired) })
}
