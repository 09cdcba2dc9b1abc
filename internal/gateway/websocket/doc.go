// Package websocket knows of WebSocket (RFC 6455) what it takes to stand between two ends: where frames and messages end, so that a close
// frame of our own tears none; and what a client says while nobody is there who takes it. It moves bytes as they are, and reads no message.
package websocket
