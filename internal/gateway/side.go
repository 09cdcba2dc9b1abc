package gateway

import (
	"encoding/binary"
	"io"
	"sync"
)

// Close codes of WebSocket, RFC 6455 section 7.4.1 and its registry.
const (
	closeGoingAway      = 1001 // the gateway or the session goes
	closeServiceRestart = 1012 // the pod is gone: connect again
)

// side is one end of an upgraded connection: what is written to it are the frames of the other end.
type side struct {
	io.ReadWriteCloser
	masked bool          // frames to a server are
	closed chan struct{} // closed when a close frame of the other end went by

	mu     sync.Mutex
	frames frames
	code   uint16 // of our own close frame that is due, or was sent
	ended  bool   // our own close frame was sent: nothing comes behind it
	passed int64  // bytes of the other end
}

func newSide(c io.ReadWriteCloser, masked bool) *side {
	return &side{ReadWriteCloser: c, masked: masked, closed: make(chan struct{})}
}

// Write passes frames on. When a close frame of ours is due, it comes at the end of the frame that is under way, and the rest
// is dropped.
func (s *side) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		s.follow(p)
		return len(p), nil
	}
	if s.code != 0 {
		return len(p), s.finishWith(p)
	}
	n, err := s.ReadWriteCloser.Write(p)
	s.follow(p[:n])
	return n, err
}

// finishWith writes the end of the frame under way, and our close frame if that is all of it.
func (s *side) finishWith(p []byte) error {
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

// end sends a close frame as soon as a frame may begin, unless one went by.
func (s *side) end(code uint16) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.code != 0 || s.frames.closing {
		return nil
	}
	s.code = code
	return s.finish()
}

// finish sends the close frame that is due, if a frame may begin.
func (s *side) finish() error {
	if !s.frames.boundary() {
		return nil
	}
	s.ended = true
	frame := []byte{0x80 | opClose, 2}
	if s.masked {
		frame = []byte{0x80 | opClose, 0x80 | 2, 0, 0, 0, 0} // a mask of zeros
	}
	_, err := s.ReadWriteCloser.Write(binary.BigEndian.AppendUint16(frame, s.code))
	return err
}

// total is how many bytes came from the other end.
func (s *side) total() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.passed
}

// follow keeps track of frames that went by.
func (s *side) follow(p []byte) {
	s.passed += int64(len(p))
	before := s.frames.closing
	for n := 0; n < len(p); {
		n += s.frames.next(p[n:])
	}
	if s.frames.closing && !before {
		close(s.closed)
	}
}
