package h1

import (
	"net/http"
	"strconv"
)

// AppendField appends a field of a head. A control character in it becomes a space: it ends no field.
func AppendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	from := len(b)
	b = append(b, value...)
	for i := from; i < len(b); i++ {
		if c := b[i]; c < ' ' && c != '\t' || c == 0x7f {
			b[i] = ' '
		}
	}
	return append(b, "\r\n"...)
}

// AppendFields appends the fields of a header that may stand in a head and say nothing of how long the message is.
func AppendFields(b []byte, h http.Header) []byte {
	for name, values := range h {
		if isFraming(name) || !isName(name) {
			continue
		}
		for _, v := range values {
			b = AppendField(b, name, v)
		}
	}
	return b
}

// isFraming says of a canonical name whether it says how long a message is.
func isFraming(name string) bool {
	switch name {
	case "Content-Length", "Transfer-Encoding", "Trailer":
		return true
	}
	return false
}

func isName(s string) bool {
	for i := range len(s) {
		if !isToken(s[i]) {
			return false
		}
	}
	return s != ""
}

// AppendRequestLine begins a request, and says whether it could: a target with white space in it would be two.
func AppendRequestLine(b []byte, method, target string) ([]byte, bool) {
	if !isName(method) || !isTarget(target) {
		return b, false
	}
	b = append(b, method...)
	b = append(b, ' ')
	b = append(b, target...)
	return append(b, " HTTP/1.1\r\n"...), true
}

func isTarget(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] == 0x7f {
			return false
		}
	}
	return s != ""
}

func appendLength(b []byte, n int64) []byte {
	b = append(b, "Content-Length: "...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, "\r\n"...)
}

func appendTrailerNames(b []byte, trailer http.Header) []byte {
	for name := range trailer {
		if isName(name) && !isFraming(name) {
			b = AppendField(b, "Trailer", name)
		}
	}
	return b
}

func appendChunkHead(b []byte, n int) []byte {
	b = strconv.AppendInt(b, int64(n), 16)
	return append(b, "\r\n"...)
}

// appendEnd appends the last chunk, and the trailer.
func appendEnd(b []byte, trailer http.Header) []byte {
	b = append(b, "0\r\n"...)
	b = AppendFields(b, trailer)
	return append(b, "\r\n"...)
}
