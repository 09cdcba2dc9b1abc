package sessionapi

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"

	"github.com/dormouse-dev/dormouse/client"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
)

// lines reads the lines of a batch, one at a time, and never holds more of one than may be of it.
type lines struct {
	from   *bufio.Reader
	number int    // of the line, from 1 on
	text   []byte // of the line, without its end; a copy
	large  bool   // the line is longer than may be
	full   bool   // the batch is larger than may be: nothing follows
	broken bool   // the client did not send all of it
	ended  bool
}

func newLines(from io.Reader) *lines {
	return &lines{from: bufio.NewReaderSize(from, client.MaxLine+len("\r\n"))}
}

// next goes to the next line that is not blank, and says whether there is one.
func (l *lines) next() bool {
	for !l.ended && !l.full {
		l.number++
		l.read()
		if l.broken {
			return false
		}
		if l.full || l.large || len(l.text) > 0 {
			return true
		}
	}
	return false
}

// read takes one line. Of one that is too long, the rest is thrown away.
func (l *lines) read() {
	part, err := l.from.ReadSlice('\n')
	l.text = bytes.Clone(bytes.TrimSpace(part))
	l.large = len(l.text) > client.MaxLine
	for errors.Is(err, bufio.ErrBufferFull) {
		l.large = true
		_, err = l.from.ReadSlice('\n')
	}
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		l.full = true
	case errors.Is(err, io.EOF):
		l.ended = true
	case err != nil:
		l.broken = true
	}
}

// trouble is why the line is not taken, which is the n-th that is not blank.
func (l *lines) trouble(n int) error {
	switch {
	case n > client.MaxBatch:
		l.full = true
		return &answer.Problem{Reason: answer.ReasonTooLarge, Limit: "lines", Detail: "A batch has at most 1,000 lines. This one and what follows were not read."}
	case l.full:
		return &answer.Problem{Reason: answer.ReasonTooLarge, Limit: "bytes", Detail: "A batch has at most 16 MiB. This line and what follows were not read."}
	case l.large:
		return &answer.Problem{Reason: answer.ReasonTooLarge, Limit: "line", Detail: "A line has at most 64 KiB."}
	}
	return nil
}
