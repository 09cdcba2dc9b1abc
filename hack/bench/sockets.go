package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A handshake as RFC 6455 has it in its example, and the frame that is echoed: 64 bytes of text, which the client masks.
const (
	socketKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	socketAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
	payload      = 64
	frameText    = 0x81
	frameMasked  = 0x80
)

// serveSockets is the pod that takes WebSockets and uploads. It is in this process, and so on the load's processor.
func serveSockets(ctx context.Context) (address string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: http.HandlerFunc(take), ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	go func() { _ = server.Serve(l) }()
	return l.Addr().String(), nil
}

// take reads a body to its end, and then answers. A WebSocket gets each frame back.
func take(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") == "websocket" {
		echo(w)
		return
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = io.WriteString(w, "taken\n")
}

func echo(w http.ResponseWriter) {
	raw, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = raw.Close() }()
	if raw.SetDeadline(time.Time{}) != nil {
		return
	}
	fmt.Fprintf(raw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", socketAccept)
	var frame [2 + 4 + payload]byte
	for {
		if _, err := io.ReadFull(buffered, frame[:]); err != nil {
			return
		}
		mask, body := frame[2:6], frame[6:]
		for i := range body {
			body[i] ^= mask[i%4]
		}
		back := frame[4:] // over the mask, which is used up
		back[0], back[1] = frameText, payload
		if _, err := raw.Write(back); err != nil {
			return
		}
	}
}

// upgrade makes a connection a WebSocket.
func (c *conn) upgrade() error {
	_, err := fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n\r\n",
		sockets, socketKey)
	if err != nil {
		return err
	}
	res, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		return fmt.Errorf("upgrade: %s", res.Status)
	}
	return nil
}

// exchange sends a frame and reads it back.
func (c *conn) exchange() error {
	var frame [2 + 4 + payload]byte
	frame[0], frame[1] = frameText, frameMasked|payload
	copy(frame[2:6], "mask")
	if _, err := c.Write(frame[:]); err != nil {
		return err
	}
	return c.readEcho()
}

func (c *conn) readEcho() error {
	var back [2 + payload]byte
	if _, err := io.ReadFull(c.in, back[:]); err != nil {
		return err
	}
	if back[0] != frameText || back[1] != payload || back[2] != 'm' {
		return fmt.Errorf("a frame that is not the one that was sent: % x", back[:8])
	}
	return nil
}

// webSockets sends a frame over each of so many WebSockets, and the next one when it is back.
func webSockets(ctx context.Context, c *contest, p *peer, l load) (tally, error) {
	until := time.Now().Add(time.Duration(c.seconds) * time.Second)
	return together(ctx, l.at, func(took *[]time.Duration) error {
		s, err := dial(ctx, p.http1)
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		if err := s.upgrade(); err != nil {
			return err
		}
		for began := time.Now(); began.Before(until); {
			if err := s.exchange(); err != nil {
				return err
			}
			now := time.Now()
			*took = append(*took, now.Sub(began))
			began = now
		}
		return nil
	})
}
