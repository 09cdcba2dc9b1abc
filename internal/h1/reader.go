package h1

import (
	"errors"
	"io"
	"sync"
)

// bufferSize is what a connection is read through. It grows for a head that is larger.
const bufferSize = 4 << 10

// errHeadTooLarge is a head beyond its limit.
var errHeadTooLarge = errors.New("h1: the head is too large")

// reader reads a connection through a buffer. What is read at once stands there in one piece.
type reader struct {
	from io.Reader
	buf  []byte
	r, w int // what is buffered is buf[r:w]
}

var bufferPool = sync.Pool{New: func() any { return new([bufferSize]byte) }}

func newReader(from io.Reader) reader {
	return reader{from: from, buf: bufferPool.Get().(*[bufferSize]byte)[:]}
}

// free gives the buffer back. Nobody may read after it.
func (b *reader) free() {
	if len(b.buf) == bufferSize {
		bufferPool.Put((*[bufferSize]byte)(b.buf))
	}
	b.buf, b.r, b.w = nil, 0, 0
}

func (b *reader) buffered() []byte { return b.buf[b.r:b.w] }

// more reads once, behind what is buffered, of which there may be limit bytes.
func (b *reader) more(limit int) error {
	b.compact()
	if b.w == len(b.buf) {
		if b.w >= limit {
			return errHeadTooLarge
		}
		larger := make([]byte, min(2*len(b.buf), max(limit, bufferSize)))
		copy(larger, b.buf)
		b.buf = larger
	}
	n, err := b.from.Read(b.buf[b.w:])
	b.w += n
	switch {
	case n > 0:
		return nil // an error comes again
	case err == nil:
		return io.ErrNoProgress
	}
	return err
}

// compact makes room behind what is buffered, and gives up a buffer that has grown.
func (b *reader) compact() {
	if b.r == 0 {
		return
	}
	to := b.buf
	if len(b.buf) > bufferSize && b.w-b.r <= bufferSize {
		to = bufferPool.Get().(*[bufferSize]byte)[:]
	}
	if b.r == b.w || b.w == len(b.buf) || len(to) < len(b.buf) {
		b.w = copy(to, b.buf[b.r:b.w])
		b.r, b.buf = 0, to
	}
}

// head takes the next head, with the empty line behind it. Its error is errHeadTooLarge, or the connection's: io.EOF where nothing
// came, and io.ErrUnexpectedEOF where a part did.
func (b *reader) head(limit int) (string, error) {
	for seen := 0; ; {
		p := b.buffered()
		if n := headEnd(p, seen); n > 0 && n <= limit {
			b.r += n
			return string(p[:n]), nil
		} else if n > limit || len(p) >= limit {
			return "", errHeadTooLarge
		}
		seen = max(0, len(p)-2)
		if err := b.more(limit); errors.Is(err, io.EOF) && len(p) > 0 {
			return "", io.ErrUnexpectedEOF
		} else if err != nil {
			return "", err
		}
	}
}

// headEnd is how long a head is, or zero. It ends with an empty line; whether its lines end as they should is for who parses it.
func headEnd(p []byte, from int) int {
	for i := from; i < len(p); i++ {
		if p[i] != '\n' {
			continue
		}
		rest := p[i+1:]
		if len(rest) > 0 && rest[0] == '\n' {
			return i + 2
		}
		if len(rest) > 1 && rest[0] == '\r' && rest[1] == '\n' {
			return i + 3
		}
	}
	return 0
}

// Read reads what is buffered, or else past the buffer.
func (b *reader) Read(p []byte) (int, error) {
	if b.r == b.w {
		if len(p) >= len(b.buf) {
			return b.from.Read(p)
		}
		if err := b.more(bufferSize); err != nil {
			return 0, err
		}
	}
	n := copy(p, b.buf[b.r:b.w])
	b.r += n
	return n, nil
}
