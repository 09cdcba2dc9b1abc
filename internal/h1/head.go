package h1

import (
	"net/http"
	"net/textproto"
	"strings"
)

// fault is what is wrong with what the other end sent.
type fault string

// Error says it.
func (f fault) Error() string { return "h1: " + string(f) }

// Faults of a head, or of the body behind it.
const (
	errBareLineEnd fault = "a line ends without CRLF"
	errFold        fault = "a field goes on in the next line"
	errName        fault = "a field has no good name"
	errValue       fault = "a field has a control character in it"
	errLength      fault = "Content-Length is not one number"
	errFraming     fault = "the message has two lengths"
	errCoding      fault = "a transfer coding that is not chunked"
	errChunk       fault = "malformed chunk"
	errTarget      fault = "a target with white space in it"
	errStatus      fault = "malformed status line"
)

// line cuts the first line off. Lines end with CRLF; a lenient reader takes LF as well.
func line(s string, lenient bool) (first, rest string, err error) {
	end := strings.IndexByte(s, '\n')
	if end < 0 {
		return "", "", errBareLineEnd
	}
	first, rest = s[:end], s[end+1:]
	if n := len(first); n > 0 && first[n-1] == '\r' {
		return first[:n-1], rest, nil
	}
	if !lenient {
		return "", "", errBareLineEnd
	}
	return first, rest, nil
}

// mostExpected is for how many fields room is made before they are looked at. More may come.
const mostExpected = 64

// parseFields parses the fields of a head up to its empty line. Their names are canonical, as in net/http.
func parseFields(s string, lenient bool) (http.Header, error) {
	n := min(max(strings.Count(s, "\n")-1, 0), mostExpected)
	h, values := make(http.Header, n), make([]string, n)
	for {
		field, rest, err := line(s, lenient)
		if err != nil {
			return nil, err
		}
		if field == "" {
			return h, nil
		}
		name, value, err := parseField(field)
		if err != nil {
			return nil, err
		}
		s = rest
		if old, ok := h[name]; ok {
			h[name] = append(old, value)
			continue
		}
		if len(values) == 0 {
			values = make([]string, 1)
		}
		values[0] = value
		h[name], values = values[:1:1], values[1:]
	}
}

func parseField(field string) (name, value string, err error) {
	if field[0] == ' ' || field[0] == '\t' {
		return "", "", errFold
	}
	colon := strings.IndexByte(field, ':')
	if colon <= 0 {
		return "", "", errName
	}
	name, ok := canonical(field[:colon])
	if !ok {
		return "", "", errName
	}
	value = trim(field[colon+1:])
	if !isValue(value) {
		return "", "", errValue
	}
	return name, value, nil
}

// canonical gives the name as net/http spells it, and whether it is one.
func canonical(name string) (string, bool) {
	upper, same := true, true
	for i := range len(name) {
		c := name[i]
		if !isToken(c) {
			return "", false
		}
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			same = false
		}
		upper = c == '-'
	}
	if same {
		return name, name != ""
	}
	return textproto.CanonicalMIMEHeaderKey(name), true
}

// trim takes the white space off both ends.
func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// tokens are the characters of a token, RFC 9110 section 5.6.2.
var tokens = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

func isToken(c byte) bool { return tokens[c] }

// isValue says whether s has no control characters but tabs.
func isValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// length is the Content-Length; -1: there is none. One that is there twice is good only for a lenient reader, and if it is the same.
func length(h http.Header, lenient bool) (int64, error) {
	values := h["Content-Length"]
	if len(values) == 0 {
		return -1, nil
	}
	for _, v := range values[1:] {
		if !lenient || v != values[0] {
			return 0, errLength
		}
	}
	h["Content-Length"] = values[:1]
	return parseLength(values[0])
}

func parseLength(s string) (n int64, err error) {
	if s == "" || len(s) > 18 {
		return 0, errLength
	}
	for i := range len(s) {
		c := s[i]
		if c < '0' || c > '9' {
			return 0, errLength
		}
		n = 10*n + int64(c-'0')
	}
	return n, nil
}

// takeChunked takes Transfer-Encoding out, and says whether it was there and is chunked.
func takeChunked(h http.Header) (bool, error) {
	values := h["Transfer-Encoding"]
	if len(values) == 0 {
		return false, nil
	}
	delete(h, "Transfer-Encoding")
	if len(values) != 1 || !equalFold(values[0], "chunked") {
		return false, errCoding
	}
	return true, nil
}

// equalFold compares with what is in lower case, in ASCII.
func equalFold(s, lower string) bool {
	if len(s) != len(lower) {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// has says whether one of the comma-separated tokens of the values is this one, in lower case.
func has(values []string, token string) bool {
	for _, v := range values {
		for v != "" {
			var one string
			one, v, _ = strings.Cut(v, ",")
			if equalFold(trim(one), token) {
				return true
			}
		}
	}
	return false
}

// forbiddenTrailers are fields that a trailer cannot have: they say where the message ends, or what it is.
var forbiddenTrailers = map[string]bool{"Transfer-Encoding": true, "Trailer": true, "Content-Length": true}

// takeTrailers takes Trailer out, and gives the names in it as keys without values; nil: none.
func takeTrailers(h http.Header, chunked bool) (http.Header, error) {
	values := h["Trailer"]
	if len(values) == 0 || !chunked {
		return nil, nil
	}
	delete(h, "Trailer")
	names := http.Header{}
	for _, v := range values {
		for one := range strings.SplitSeq(v, ",") {
			if one = trim(one); one == "" {
				continue
			}
			name, ok := canonical(one)
			if !ok || forbiddenTrailers[name] {
				return nil, errName
			}
			names[name] = nil
		}
	}
	if len(names) == 0 {
		return nil, nil
	}
	return names, nil
}
