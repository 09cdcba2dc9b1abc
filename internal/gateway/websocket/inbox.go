package websocket

import "errors"

// inboxSize is how many bytes of frames a client may send that no pod takes yet. With a buffer of the pool that waits for room,
// that is 64 KiB for each connection; what is beyond stays with the client.
const inboxSize = 32 << 10

// maxControl is how many bytes the payload of a control frame has at most, RFC 6455 section 5.5.
const maxControl = 125

// errBadControl is a control frame that has more.
var errBadControl = errors.New("control frame is too long")

// Inbox is what a client says while no pod is there: its data frames as they came, and without them its control frames.
type Inbox struct {
	frames  frames
	pending []byte // for the pod
	control []byte // what there is of a control frame
	apart   bool   // the frame under way is a control frame
}

// Take takes what comes, as far as there is room, and up to the end of the next control frame, of which it gives opcode and payload.
// Zero: none has ended.
func (in *Inbox) Take(p []byte) (n int, opcode byte, payload []byte, err error) {
	for n < len(p) {
		if in.frames.boundary() {
			in.apart = !isData(p[n])
		}
		if !in.apart {
			room := inboxSize - len(in.pending)
			if room <= 0 {
				return n, 0, nil, nil
			}
			m := in.frames.next(p[n:min(len(p), n+room)])
			in.pending = append(in.pending, p[n:n+m]...)
			n += m
			continue
		}
		m := in.frames.next(p[n:])
		in.control = append(in.control, p[n:n+m]...)
		n += m
		if len(in.control) > 1 && in.control[1]&0x7f > maxControl {
			return n, 0, nil, errBadControl
		}
		if in.frames.boundary() {
			opcode, payload = unpack(in.control)
			in.control = nil
			return n, opcode, payload, nil
		}
	}
	return n, 0, nil, nil
}

// Full says whether no data frame finds room.
func (in *Inbox) Full() bool { return len(in.pending) >= inboxSize }

// All is what a pod that takes over must get: also the begin of a control frame, whose end it will get.
func (in *Inbox) All() []byte { return append(in.pending, in.control...) }

// Passed notes that n bytes of All went to a pod. When all did, the next frames are the pod's.
func (in *Inbox) Passed(n int) {
	if n == len(in.pending)+len(in.control) {
		*in = Inbox{}
		return
	}
	head := min(n, len(in.pending))
	in.pending, in.control = in.pending[head:], in.control[n-head:]
}

// Waiting says whether data frames are there for a pod.
func (in *Inbox) Waiting() bool { return len(in.pending) > 0 }

// Discard drops them.
func (in *Inbox) Discard() { in.pending = nil }

// Goodbye puts a close frame behind them.
func (in *Inbox) Goodbye(payload []byte) {
	in.pending = appendControl(in.pending, OpClose, payload, true)
}

// unpack gives opcode and payload of a whole control frame.
func unpack(frame []byte) (opcode byte, payload []byte) {
	head := 2
	masked := frame[1]&0x80 != 0
	if masked {
		head += 4
	}
	payload = append([]byte(nil), frame[head:]...)
	for i := range payload {
		if masked {
			payload[i] ^= frame[2+i%4]
		}
	}
	return frame[0] & 0x0f, payload
}
