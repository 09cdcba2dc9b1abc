package websocket

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// frame makes a frame of a payload of n bytes.
func frame(opcode byte, masked bool, n int) []byte {
	f := []byte{0x80 | opcode}
	var mask byte
	if masked {
		mask = 0x80
	}
	switch {
	case n < 126:
		f = append(f, mask|byte(n))
	case n < 1<<16:
		f = binary.BigEndian.AppendUint16(append(f, mask|126), uint16(n))
	default:
		f = binary.BigEndian.AppendUint64(append(f, mask|127), uint64(n))
	}
	if masked {
		f = append(f, 1, 2, 3, 4)
	}
	return append(f, bytes.Repeat([]byte{opcode}, n)...)
}

type sink struct {
	bytes.Buffer
	closed bool
}

func (s *sink) Close() error { s.closed = true; return nil }

// However the bytes of frames come, our own close frame stands between two of them, behind the one that was under way, and
// nothing comes behind it.
func TestCloseFrameAtABoundary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		masked := rapid.Bool().Draw(t, "masked")
		sizes := rapid.SliceOfN(rapid.SampledFrom([]int{0, 1, 125, 126, 300, 65535, 65536}), 1, 6).Draw(t, "sizes")
		var stream []byte
		ends := []int{0}
		for _, n := range sizes {
			stream = append(stream, frame(2, masked, n)...)
			ends = append(ends, len(stream))
		}
		cut := rapid.IntRange(0, len(stream)).Draw(t, "cut")
		out := &sink{}
		s := NewSide(out, masked)
		write := func(p []byte) {
			for len(p) > 0 {
				n := min(len(p), rapid.IntRange(1, 70000).Draw(t, "n"))
				if got, err := s.Write(p[:n]); got != n || err != nil {
					t.Fatalf("Write: %d, %v", got, err)
				}
				p = p[n:]
			}
		}
		write(stream[:cut])
		if err := s.End(CloseGoingAway); err != nil {
			t.Fatal(err)
		}
		write(stream[cut:])
		end := 0
		for _, e := range ends {
			if e >= cut {
				end = e
				break
			}
		}
		bye := []byte{0x88, 2, 3, 0xe9}
		if masked {
			bye = []byte{0x88, 0x82, 0, 0, 0, 0, 3, 0xe9}
		}
		if want := slices.Concat(stream[:end], bye); !bytes.Equal(out.Bytes(), want) {
			t.Fatalf("cut at %d of %v: %d bytes, want %d", cut, ends, out.Len(), len(want))
		}
	})
}

func TestNoSecondCloseFrame(t *testing.T) {
	out := &sink{}
	s := NewSide(out, false)
	bye := frame(OpClose, false, 2)
	if _, err := s.Write(bye); err != nil {
		t.Fatal(err)
	}
	if err := s.End(CloseServiceRestart); err != nil || !bytes.Equal(out.Bytes(), bye) {
		t.Errorf("%v, %x", err, out.Bytes())
	}
	select {
	case <-s.Closed.Said():
	default:
		t.Error("the close frame went by unseen")
	}
}
