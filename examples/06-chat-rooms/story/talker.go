package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/dormouse-dev/dormouse/examples/story"
)

// message is what somebody has said, and the epoch of the process that heard it.
type message struct{ From, Text, Epoch string }

// talker is one who is in a room, by a WebSocket.
type talker struct {
	name string
	conn *websocket.Conn
}

// enter opens a WebSocket. The error says what the gateway has answered.
func enter(ctx context.Context, s *story.Stage, name, path string) (*talker, error) {
	conn, response, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(s.Gateway, "http")+path, nil)
	if err != nil && response != nil {
		return nil, fmt.Errorf("%d %s", response.StatusCode, response.Header.Get("Dormouse-Reason"))
	}
	if err != nil {
		return nil, err
	}
	return &talker{name, conn}, nil
}

func (t *talker) says(ctx context.Context, text string) error {
	return wsjson.Write(ctx, t.conn, message{From: t.name, Text: text})
}

// hears fails unless the next message is this one.
func (t *talker) hears(ctx context.Context, want message) error {
	var got message
	if err := wsjson.Read(ctx, t.conn, &got); err != nil {
		return fmt.Errorf("%s was to hear %q: %w", t.name, want.Text, err)
	}
	if got != want {
		return fmt.Errorf("%s was to hear %q, and has heard %q", t.name, want, got)
	}
	return nil
}

func (t *talker) leave() { _ = t.conn.Close(websocket.StatusNormalClosure, "") }
