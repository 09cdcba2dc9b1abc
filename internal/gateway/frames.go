package gateway

import "encoding/binary"

const opClose = 8 // the opcode of a close frame, RFC 6455 section 5.2

// frames follows the frames of one direction of a WebSocket.
type frames struct {
	header  [14]byte
	have    int    // bytes of the header
	payload uint64 // bytes of the frame still to come
	closing bool   // a close frame began
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
	f.closing = f.closing || f.header[0]&0x0f == opClose
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
