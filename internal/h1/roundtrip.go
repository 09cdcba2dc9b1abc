package h1

import (
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"sync"
)

var headPool = sync.Pool{New: func() any { return new([]byte) }}

// RoundTrip implements http.RoundTripper, for the few requests for which there is no need to be quick. The connection must be reserved. What httptrace
// may want to know is told of answers before the answer only.
func (c *Conn) RoundTrip(r *http.Request) (*http.Response, error) {
	head := headPool.Get().(*[]byte)
	defer headPool.Put(head)
	q := &Request{Method: r.Method, Length: r.ContentLength, Trailer: r.Trailer}
	line, ok := AppendRequestLine((*head)[:0], r.Method, r.URL.RequestURI())
	if !ok {
		c.Release()
		return nil, errTarget
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	line = AppendField(line, "Host", host)
	q.Head = appendRequestFields(line, r.Header)
	if r.Close {
		q.Head = AppendField(q.Head, "Connection", "close")
	}
	if r.Body != nil && r.Body != http.NoBody && r.ContentLength != 0 {
		q.Body = r.Body
		q.Expects = has(r.Header["Expect"], "100-continue")
	}
	if t := httptrace.ContextClientTrace(r.Context()); t != nil && t.Got1xxResponse != nil {
		q.Informed = func(status int, h http.Header) { _ = t.Got1xxResponse(status, textproto.MIMEHeader(h)) }
	}
	res, err := c.Send(r.Context(), q)
	*head = q.Head[:0]
	if res != nil {
		res.Request = r
	}
	return res, err
}

// appendRequestFields leaves out a User-Agent that is empty: so net/http spells that there is none. And Host, which stands there already: a client
// of HTTP/2 may send one beside its authority.
func appendRequestFields(b []byte, h http.Header) []byte {
	agent, silent := h["User-Agent"]
	silent = silent && len(agent) == 1 && agent[0] == ""
	if _, twice := h["Host"]; silent || twice {
		h = h.Clone()
		delete(h, "Host")
		if silent {
			delete(h, "User-Agent")
		}
	}
	return AppendFields(b, h)
}
