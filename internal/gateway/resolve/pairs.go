package resolve

import (
	"iter"
	"net/http"
	"net/url"
	"strings"
)

// cookies are the names and the values of the cookies that a client sends, as they stand there, in their order. A blank behind a name is no
// part of it: net/http, and others, do not take it for one.
func cookies(h http.Header) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, line := range h["Cookie"] {
			for pair := range strings.SplitSeq(line, ";") {
				name, value, _ := strings.Cut(strings.Trim(pair, " \t"), "=")
				if !yield(strings.TrimRight(name, " \t"), value) {
					return
				}
			}
		}
	}
}

// parameters are the names and the values of a query, in their order. The names are decoded, so that none has a twin in
// another spelling; a name that cannot be stands as it is.
func parameters(rawQuery string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for pair := range strings.SplitSeq(rawQuery, "&") {
			raw, value, _ := strings.Cut(pair, "=")
			name, err := url.QueryUnescape(raw)
			if err != nil {
				name = raw
			}
			if !yield(name, value) {
				return
			}
		}
	}
}

// unquote decodes the key that a place has, in the one way that this place has for it.
func (p place) unquote(k string) (string, error) {
	switch p {
	case inPath, inCookie:
		return url.PathUnescape(k)
	case inQuery:
		return url.QueryUnescape(k)
	}
	return k, nil
}

// fault says what is wrong with a key that could be read in a second way; raw is what stands there, and k what that means.
func (p place) fault(raw, k string) string {
	switch {
	case p == inPath && (k == "." || k == ".."):
		return "it is a dot segment"
	case p == inPath && strings.Contains(k, "/"):
		return "it holds an encoded slash"
	case p == inCookie && strings.Contains(raw, `"`):
		return "its cookie is quoted, and not all servers take the quotes for a part of it"
	case p == inQuery && strings.Contains(raw, ";"):
		return "its parameter holds a semicolon, and some servers take that for its end"
	}
	return ""
}
