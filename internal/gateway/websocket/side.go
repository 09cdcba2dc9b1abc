package websocket

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Close codes of WebSocket, RFC 6455 section 7.4.1 and its registry.
const (
	CloseNormal         = 1000
	CloseGoingAway      = 1001 // the gateway or the session goes
	CloseProtocolError  = 1002
	ClosePolicy         = 1008 // the credential has expired
	CloseInternalError  = 1011 // it cannot go on
	CloseServiceRestart = 1012 // the pod is gone: connect again
	CloseTryAgainLater  = 1013
)

// maxCloseReason is how many bytes of a reason a close frame holds.
const maxCloseReason = 123

// ErrHeld is the end of a message behind which nothing more may be written for now.
var ErrHeld = errors.New("held at the end of a message")

// Side is one end of an upgraded connection: what is written to it are the frames of the other end.
type Side struct {
	io.ReadWriteCloser
	masked bool     // frames to a server are
	Closed *Goodbye // said when a close frame of the other end went by

	mu      sync.Mutex
	frames  frames
	bye     []byte // payload of our own close frame that is due, or was sent
	ended   bool   // our own close frame was sent: nothing comes behind it
	held    bool   // nothing comes behind the message that is under way
	discard bool   // a close frame of the other end is not passed on
}

// NewSide is the end that c goes to; masked says that it is a server's.
func NewSide(c io.ReadWriteCloser, masked bool) *Side {
	return &Side{ReadWriteCloser: c, masked: masked, Closed: NewGoodbye()}
}

// Write passes frames on. When a close frame of ours is due, it comes at the end of the frame that is under way, and the rest
// is dropped. Of a side that is held it passes on what belongs to the message that is under way; ErrHeld then says that there is more.
func (s *Side) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.held:
		return s.passMessage(p)
	case s.ended:
		s.follow(p)
		return len(p), nil
	case s.bye != nil:
		return len(p), s.finishWith(p)
	case s.discard:
		return s.passWithoutClose(p)
	}
	return s.pass(p)
}

func (s *Side) pass(p []byte) (int, error) {
	n, err := s.ReadWriteCloser.Write(p)
	s.follow(p[:n])
	return n, err
}

// passMessage passes on up to the end of the message that is under way.
func (s *Side) passMessage(p []byte) (int, error) {
	ahead, n := s.frames, 0
	for n < len(p) && !ahead.whole() {
		n += ahead.next(p[n:])
	}
	n, err := s.pass(p[:n])
	if err == nil && n < len(p) {
		err = ErrHeld
	}
	return n, err
}

// passWithoutClose passes on up to a close frame of the other end, behind which nothing comes: that is io.EOF.
func (s *Side) passWithoutClose(p []byte) (int, error) {
	ahead, n := s.frames, 0
	for n < len(p) && !(ahead.boundary() && p[n]&0x0f == OpClose) {
		n += ahead.next(p[n:])
	}
	if written, err := s.pass(p[:n]); err != nil {
		return written, err
	}
	if n < len(p) {
		return len(p), io.EOF
	}
	return n, nil
}

// finishWith writes the end of the frame under way, and our close frame if that is all of it.
func (s *Side) finishWith(p []byte) error {
	n := s.frames.next(p)
	if _, err := s.ReadWriteCloser.Write(p[:n]); err != nil {
		return err
	}
	if err := s.finish(); err != nil {
		return err
	}
	s.follow(p[n:])
	return nil
}

// End sends a close frame as soon as a frame may begin, unless one went by.
func (s *Side) End(code uint16) error { return s.EndWith(code, "") }

// EndWith sends a close frame with a reason for a person.
func (s *Side) EndWith(code uint16, reason string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bye != nil || s.frames.closing {
		return nil
	}
	s.bye = append(binary.BigEndian.AppendUint16(nil, code), reason[:min(len(reason), maxCloseReason)]...)
	return s.finish()
}

// finish sends the close frame that is due, if a frame may begin.
func (s *Side) finish() error {
	if !s.frames.boundary() {
		return nil
	}
	s.ended = true
	return s.control(OpClose, s.bye)
}

// control writes a control frame of our own.
func (s *Side) control(opcode byte, payload []byte) error {
	_, err := s.ReadWriteCloser.Write(appendControl(nil, opcode, payload, s.masked))
	return err
}

// appendControl appends a control frame, whose payload has at most maxControl bytes.
func appendControl(to []byte, opcode byte, payload []byte, masked bool) []byte {
	size := byte(min(len(payload), maxControl))
	if !masked {
		return append(append(to, 0x80|opcode, size), payload...)
	}
	to = append(to, 0x80|opcode, 0x80|size, 0, 0, 0, 0) // a mask of zeros
	return append(to, payload...)
}

// Pong answers a ping, where nothing of the other end is under way.
func (s *Side) Pong(payload []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended || !s.frames.boundary() {
		return nil
	}
	return s.control(OpPong, payload)
}

// Hold lets the message under way come to its end, and nothing behind it.
func (s *Side) Hold() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
}

// DiscardClose keeps back the close frame with which the other end answers one of ours.
func (s *Side) DiscardClose() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard = true
}

// Reopen takes frames of another end, as the first one's never ended.
func (s *Side) Reopen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard = false
}

// Whole says whether no message is under way, and none but whole ones went by.
func (s *Side) Whole() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames.whole()
}

// Closing says whether a close frame went by, of ours or of the other end.
func (s *Side) Closing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended || s.frames.closing
}

// SaidGoodbye says whether a close frame of the other end went by.
func (s *Side) SaidGoodbye() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.frames.closing
}

// Carried says whether bytes of data frames went by since it was asked last.
func (s *Side) Carried() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	data := s.frames.data
	s.frames.data = false
	return data
}

// Skip takes what was not written as if it had gone by.
func (s *Side) Skip(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.follow(p)
}

// follow keeps track of frames that went by.
func (s *Side) follow(p []byte) {
	before := s.frames.closing
	for n := 0; n < len(p); {
		n += s.frames.next(p[n:])
	}
	if s.frames.closing && !before {
		s.Closed.Say()
	}
}
