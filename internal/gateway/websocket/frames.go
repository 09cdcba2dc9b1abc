package websocket

import "encoding/binary"

// Opcodes, RFC 6455 section 5.2. Those from OpClose on are of control frames.
const (
	OpClose = 8
	OpPing  = 9
	OpPong  = 10
)

// frames follows the frames of one direction of a WebSocket.
type frames struct {
	header  [14]byte
	have    int    // bytes of the header
	payload uint64 // bytes of the frame still to come
	closing bool   // a close frame began
	partial bool   // a message in several frames began, and its last frame did not
	data    bool   // a byte of a data frame went by
}

// next follows p up to the end of the frame that it begins in or with, and gives how many bytes that are.
func (f *frames) next(p []byte) int {
	n := 0
	for f.payload == 0 && n < len(p) {
		f.header[f.have] = p[n]
		f.have++
		n++
		if f.have >= 2 && f.have == f.headerLen() {
			f.begin()
			if f.payload == 0 {
				return n
			}
		}
	}
	f.data = f.data || len(p) > 0 && isData(f.header[0])
	if rest := uint64(len(p[n:])); rest < f.payload {
		f.payload -= rest
		return len(p)
	}
	n += int(f.payload) //nolint:gosec // at most len(p)
	f.payload = 0
	return n
}

// boundary says whether a frame may begin here.
func (f *frames) boundary() bool {
	return f.have == 0 && f.payload == 0
}

// whole says whether a message may begin here.
func (f *frames) whole() bool {
	return f.boundary() && !f.partial
}

// isData says whether a frame that begins with that byte is a part of a message.
func isData(first byte) bool { return first&0x0f < OpClose }

func (f *frames) headerLen() int {
	n := 2
	switch f.header[1] & 0x7f {
	case 126:
		n += 2
	case 127:
		n += 8
	}
	if f.header[1]&0x80 != 0 {
		n += 4
	}
	return n
}

// begin starts the frame whose header is complete.
func (f *frames) begin() {
	f.closing = f.closing || f.header[0]&0x0f == OpClose
	if isData(f.header[0]) {
		f.partial, f.data = f.header[0]&0x80 == 0, true
	}
	switch size := f.header[1] & 0x7f; size {
	case 126:
		f.payload = uint64(binary.BigEndian.Uint16(f.header[2:]))
	case 127:
		f.payload = binary.BigEndian.Uint64(f.header[2:])
	default:
		f.payload = uint64(size)
	}
	f.have = 0
}
