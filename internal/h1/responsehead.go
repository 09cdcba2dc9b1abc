package h1

import (
	"net/http"
	"strings"
)

// beginHead writes what is known of the head into the buffer.
func (t *turn) beginHead() {
	h := t.header
	t.bodied = answersWithBody(t.req.Method, t.status)
	t.out = appendStatus(outPool.Get().(*[outSize]byte)[:0], t.status)
	for name, values := range h {
		if isOurs(name) || !isName(name) {
			continue
		}
		for _, v := range values {
			t.out = AppendField(t.out, name, v)
		}
	}
	t.out = t.appendDate(t.out)
	t.closes = t.closes || has(h["Connection"], "close")
	t.length = t.declared()
	t.left = max(t.length, 0)
	t.trailer = announced(h)
	if !t.bodied || t.length >= 0 && !t.sniffs() {
		t.endHead()
	}
}

// isOurs says of a field of an answer whether it is written elsewhere, or not at all.
func isOurs(name string) bool {
	return name == "Connection" || name == "Date" || isFraming(name) || strings.HasPrefix(name, http.TrailerPrefix)
}

// declared is the length that the handler gave; -1: none, or the answer can have none.
func (t *turn) declared() int64 {
	values := t.header["Content-Length"]
	if len(values) == 0 || t.status == http.StatusNoContent || t.status == http.StatusNotModified {
		return -1
	}
	n, err := parseLength(values[0])
	if err != nil {
		return -1
	}
	return n
}

// announced are the names of the trailers that the handler will set.
func announced(h http.Header) (names []string) {
	for _, v := range h["Trailer"] {
		for one := range strings.SplitSeq(v, ",") {
			if name, ok := canonical(trim(one)); ok && !forbiddenTrailers[name] {
				names = append(names, name)
			}
		}
	}
	return names
}

// sniffs says whether the answer's type is found out by its first bytes.
func (t *turn) sniffs() bool {
	_, typed := t.header["Content-Type"]
	return !typed && t.header["Content-Encoding"] == nil
}

func (t *turn) appendDate(b []byte) []byte {
	if values, ok := t.header["Date"]; ok {
		for _, v := range values {
			b = AppendField(b, "Date", v)
		}
		return b
	}
	b = append(b, "Date: "...)
	b = t.conn.server.appendDate(b)
	return append(b, "\r\n"...)
}

// endHead says where the answer ends. From here on the head is in the buffer.
func (t *turn) endHead() {
	t.begun = true
	switch {
	case t.length >= 0:
		t.out = appendLength(t.out, t.length)
	case t.bodied:
		t.coded = true
		t.out = append(t.out, "Transfer-Encoding: chunked\r\n"...)
		for _, name := range t.trailer {
			t.out = AppendField(t.out, "Trailer", name)
		}
	}
	if t.closing() {
		t.out = append(t.out, "Connection: close\r\n"...)
	}
	t.out = append(t.out, "\r\n"...)
}

// closing says whether the connection ends with this answer.
func (t *turn) closing() bool {
	t.closes = t.closes || t.req.Close || t.conn.server.stopping.Load() || t.leavesMuch()
	return t.closes
}

// leavesMuch says whether a body that was not read yet is so long that it will not be.
func (t *turn) leavesMuch() bool {
	if t.req.ContentLength <= mostDrained {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return !t.ended
}

// sniff says what the answer is, as net/http does, where its handler says nothing.
func (t *turn) sniff(p []byte) {
	if len(p) > 0 && t.sniffs() {
		t.out = AppendField(t.out, "Content-Type", http.DetectContentType(p))
	}
}

func (t *turn) hasTrailers() bool {
	if len(t.trailer) > 0 {
		return true
	}
	for name := range t.header {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// trailers are what follows the last chunk: what was announced, and what has the prefix.
func (t *turn) trailers() http.Header {
	var all http.Header
	add := func(name string, values []string) {
		if all == nil {
			all = http.Header{}
		}
		all[name] = values
	}
	for _, name := range t.trailer {
		if values := t.header[name]; values != nil {
			add(name, values)
		}
	}
	for name, values := range t.header {
		if bare, ok := strings.CutPrefix(name, http.TrailerPrefix); ok {
			add(bare, values)
		}
	}
	return all
}
