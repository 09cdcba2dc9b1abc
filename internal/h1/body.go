package h1

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
)

const (
	// maxChunkLine is how long the line before a chunk may be.
	maxChunkLine = 256
	// maxTrailer bounds the fields behind the last chunk.
	maxTrailer = 4 << 10
	// maxWaste is how many bytes of chunked coding may come more than 16 for a chunk and two for each byte of the body.
	maxWaste = 16 << 10
)

// framing is how the end of a body is known.
type framing int

const (
	sized   framing = iota // by its length
	chunked                // by its last chunk
	ending                 // by the end of the connection
)

// body is the bytes of one message behind its head. An error other than a time-out stays.
type body struct {
	from    *reader
	framing framing
	left    int64 // of the body, or of the chunk
	inside  bool  // a chunk has begun, and what is behind it is not read
	waste   int64
	trailer http.Header // where trailers go; nil: nobody wants them
	extra   bool        // also those that were not announced
	err     error       // io.EOF: it was read whole
}

// read reads a part of the body.
func (b *body) read(p []byte) (n int, err error) {
	if b.err != nil {
		return 0, b.err
	}
	switch b.framing {
	case sized:
		n, err = b.readSized(p)
	case chunked:
		n, err = b.readChunked(p)
	case ending:
		n, err = b.from.Read(p)
	}
	if err != nil && !isTimeout(err) {
		b.err = err
	}
	return n, err
}

func (b *body) readSized(p []byte) (int, error) {
	if b.left == 0 {
		return 0, io.EOF
	}
	if int64(len(p)) > b.left {
		p = p[:b.left]
	}
	n, err := b.from.Read(p)
	b.left -= int64(n)
	if b.left == 0 {
		return n, io.EOF
	}
	return n, unexpected(err)
}

// readChunked reads as many chunks as are buffered, and waits only for the first byte.
func (b *body) readChunked(p []byte) (n int, err error) {
	for n < len(p) {
		if b.left <= 0 {
			if n > 0 && !b.nextReady() {
				return n, nil
			}
			if err := b.nextChunk(); err != nil {
				return n, err
			}
			continue
		}
		if n > 0 && len(b.from.buffered()) == 0 {
			return n, nil
		}
		part := p[n:]
		if int64(len(part)) > b.left {
			part = part[:b.left]
		}
		k, err := b.from.Read(part)
		n, b.left = n+k, b.left-int64(k)
		if err != nil {
			return n, unexpected(err)
		}
	}
	return n, nil
}

// nextChunk reads up to the next chunk's first byte, or to the end of the body, which is io.EOF. It takes whole lines only, so that
// it may be tried again after a time-out.
func (b *body) nextChunk() error {
	if b.inside {
		end, err := b.peek(2)
		if err != nil {
			return err
		}
		if string(end) != "\r\n" {
			return errChunk
		}
		b.from.r += 2
		b.inside = false
	}
	if b.left < 0 { // the last chunk was read, and what is behind it was not
		return b.readTrailer()
	}
	text, err := b.chunkLine()
	if err != nil {
		return err
	}
	size, ok := chunkSize(text)
	if !ok {
		return errChunk
	}
	if b.waste = max(0, b.waste+int64(len(text))+4-16-2*size); b.waste > maxWaste {
		return errChunk
	}
	if size == 0 {
		b.left = -1
		return b.readTrailer()
	}
	b.left, b.inside = size, true
	return nil
}

// ready says whether read has something without waiting.
func (b *body) ready() bool {
	if b.err != nil || b.framing == chunked && b.left <= 0 {
		return b.err != nil || b.nextReady()
	}
	return len(b.from.buffered()) > 0
}

// nextReady says whether the next chunk has begun, or the end of the body is there.
func (b *body) nextReady() bool {
	p := b.from.buffered()
	if b.inside {
		p = p[min(2, len(p)):]
	}
	end := bytes.IndexByte(p, '\n')
	return end > 0 && (p[0] != '0' || bytes.IndexByte(p[end+1:], '\n') >= 0)
}

func (b *body) peek(n int) ([]byte, error) {
	for len(b.from.buffered()) < n {
		if err := b.from.more(bufferSize); err != nil {
			return nil, unexpected(err)
		}
	}
	return b.from.buffered()[:n], nil
}

func (b *body) chunkLine() (string, error) {
	for {
		p := b.from.buffered()
		end := bytes.IndexByte(p, '\n')
		if end > maxChunkLine || end < 0 && len(p) > maxChunkLine {
			return "", errChunk
		}
		if end >= 0 {
			text, _, err := line(string(p[:end+1]), false)
			b.from.r += end + 1
			if err != nil || strings.IndexByte(text, '\r') >= 0 {
				return "", errChunk
			}
			return text, nil
		}
		if err := b.from.more(bufferSize); err != nil {
			return "", unexpected(err)
		}
	}
}

// chunkSize parses the line before a chunk. Its extensions are dropped, and white space is let be at the line's end only, as in net/http.
func chunkSize(text string) (n int64, ok bool) {
	digits, _, _ := strings.Cut(strings.TrimRight(text, " \t"), ";")
	if digits == "" || len(digits) > 15 {
		return 0, false
	}
	for i := range len(digits) {
		at := strings.IndexByte("0123456789abcdef", digits[i]|0x20) // which makes letters small, and leaves digits
		if at < 0 || at < 10 && digits[i] < '0' {
			return 0, false
		}
		n = n<<4 | int64(at)
	}
	return n, true
}

// readTrailer reads what is behind the last chunk, up to the end of the message: io.EOF.
func (b *body) readTrailer() error {
	end, err := b.peek(2)
	if err != nil {
		return err
	}
	if string(end) == "\r\n" {
		b.from.r += 2
		return io.EOF
	}
	text, err := b.from.head(maxTrailer)
	if err != nil {
		return unexpected(err)
	}
	fields, err := parseFields(text, false)
	if err != nil {
		return err
	}
	for name, values := range fields {
		if _, announced := b.trailer[name]; announced || b.extra && !forbiddenTrailers[name] {
			b.trailer[name] = values
		}
	}
	return io.EOF
}

// whole says whether the body was read to its end.
func (b *body) whole() bool { return errors.Is(b.err, io.EOF) }

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
