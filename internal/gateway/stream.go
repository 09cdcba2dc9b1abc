package gateway

import "time"

// stream is how a client of HTTP/2 is cut off. There, a deadline ends a stream when it comes, also if nobody waits for the
// client just then. So it is set when the time is over, and not before.
type stream struct {
	stall       time.Duration
	send, take  func() // end the reading, the stream
	read, write *time.Timer
}

func newStream(p *progress) *stream {
	return &stream{
		stall: p.stall,
		send:  func() { p.late(p.control.SetReadDeadline) },
		take:  func() { p.late(p.control.SetWriteDeadline) },
	}
}

// late ends what a client is too slow for.
func (p *progress) late(end func(time.Time) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.over {
		_ = end(p.now())
	}
}

func (s *stream) sending(on bool) { s.read = run(s.read, on, s.stall, s.send) }
func (s *stream) taking(on bool)  { s.write = run(s.write, on, s.stall, s.take) }

// run starts or stops a timer, and makes it if it is not there.
func run(t *time.Timer, on bool, d time.Duration, end func()) *time.Timer {
	switch {
	case t == nil && on:
		return time.AfterFunc(d, end)
	case t != nil && on:
		t.Reset(d)
	case t != nil:
		t.Stop()
	}
	return t
}
