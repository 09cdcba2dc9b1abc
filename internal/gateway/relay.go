package gateway

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/net/http/httpguts"

	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/grpc"
	"github.com/dormouse-dev/dormouse/internal/h1"
)

// plain says whether the request goes the short way: no upgrade, over a connection that speaks HTTP/1.1. What net/http's ReverseProxy does
// with the others is done here, without a copy of the request and its headers, and without goroutines.
func (x *exchange) plain() bool {
	return x.seat.link.h1 != nil && !x.asked && x.in.Header[grpc.HeaderTimeout] == nil
}

// heads are what requests are written through.
var heads = sync.Pool{New: func() any { return new([]byte) }}

// relay is forward on the short way.
func (x *exchange) relay(w http.ResponseWriter) error {
	head := heads.Get().(*[]byte)
	defer heads.Put(head)
	q, err := x.outgoing((*head)[:0])
	if err != nil {
		return err
	}
	q.Informed = x.inform
	x.request, x.sent = q, true
	res, err := x.seat.link.h1.Send(x.in.Context(), q)
	*head = q.Head[:0]
	if err != nil {
		return x.classify(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusSwitchingProtocols {
		dropHopByHop(res.Header)
	}
	if err := x.inspect(res); err != nil {
		return x.classify(err)
	}
	return x.deliver(w, res)
}

// outgoing is the request as the pod gets it. Its head is written behind b.
func (x *exchange) outgoing(b []byte) (*h1.Request, error) {
	b, ok := h1.AppendRequestLine(b, x.in.Method, targetOf(x.target.Path, x.in))
	if !ok {
		return nil, &answer.Problem{Reason: answer.ReasonBadTarget}
	}
	b = h1.AppendField(b, "Host", x.in.Host)
	q := &h1.Request{Head: x.appendHeader(b), Method: x.in.Method}
	if x.body == nil {
		return q, nil
	}
	q.Body, q.Length = x.body, x.in.ContentLength
	q.Expects = x.in.Header["Expect"] != nil
	q.Trailer = make(http.Header, len(x.in.Trailer))
	for name := range x.in.Trailer {
		q.Trailer[name] = nil
	}
	scrub(q.Trailer)
	x.body.trailers, x.body.ours = x.in.Trailer, q.Trailer
	return q, nil
}

func targetOf(path string, r *http.Request) string {
	if r.URL.RawQuery == "" && !r.URL.ForceQuery {
		return path
	}
	return path + "?" + r.URL.RawQuery
}

// appendHeader appends what the pod gets of the client's headers, and ours.
func (x *exchange) appendHeader(b []byte) []byte {
	in, traced, ends := x.in.Header, x.gateway.Tracer != nil, listed(x.in.Header)
	for name, values := range in {
		if isOwnMatter(name) || traced && isTrace(name) || ends[name] {
			continue
		}
		for _, v := range values {
			b = h1.AppendField(b, name, v)
		}
	}
	b = appendCookies(b, in, ends)
	if httpguts.HeaderValuesContainsToken(in["Te"], "trailers") {
		b = h1.AppendField(b, "Te", "trailers")
	}
	if traced {
		b = x.appendTrace(b, ends)
	}
	fields, n := present(x.in, x.target, x.seat.visit.Epoch(), x.gateway.Proxies.Scheme(x.in))
	for _, f := range fields[:n] {
		b = h1.AppendField(b, f.name, f.value)
	}
	return b
}

// isOwnMatter says of a header of a client whether it does not go to the pod as it is. There is a Host only beside the authority of HTTP/2.
func isOwnMatter(name string) bool {
	return name == "Host" || name == "Content-Length" || name == "Cookie" || isHopByHop(name) || isDropped(name)
}

// appendCookies appends the cookies of the application.
func appendCookies(b []byte, in http.Header, ends map[string]bool) []byte {
	if in["Cookie"] == nil || ends["Cookie"] {
		return b
	}
	kept := http.Header{"Cookie": in["Cookie"]}
	keepCookies(kept)
	for _, v := range kept["Cookie"] {
		b = h1.AppendField(b, "Cookie", v)
	}
	return b
}

func isTrace(name string) bool { return name == "Traceparent" || name == "Tracestate" }

func (x *exchange) appendTrace(b []byte, ends map[string]bool) []byte {
	h := http.Header{}
	for _, name := range []string{"Traceparent", "Tracestate"} {
		if v := x.in.Header[name]; v != nil && !ends[name] {
			h[name] = v
		}
	}
	x.gateway.propagate(x.in.Context(), h)
	return h1.AppendFields(b, h)
}

// deliver passes the pod's answer on.
func (x *exchange) deliver(w http.ResponseWriter, res *http.Response) error {
	announced := len(res.Trailer)
	for name := range res.Trailer {
		res.Header["Trailer"] = append(res.Header["Trailer"], name)
	}
	adopt(w, res.Header)
	w.WriteHeader(res.StatusCode)
	if err := x.copyBody(w, res); err != nil {
		panic(http.ErrAbortHandler) // so that nobody takes a part for the whole
	}
	if len(res.Trailer) == 0 {
		return nil
	}
	_ = x.control.Flush() // now there is no length
	prefix := http.TrailerPrefix
	if len(res.Trailer) == announced {
		prefix = ""
	}
	h := w.Header()
	for name, values := range res.Trailer {
		h[prefix+name] = append(h[prefix+name], values...)
	}
	return nil
}

// adopt gives an answer its header: the pod's own, if the writer can take it as it is.
func adopt(w http.ResponseWriter, from http.Header) {
	for at := w; ; {
		switch u := at.(type) {
		case interface{ Adopt(h http.Header) bool }:
			if u.Adopt(from) {
				return
			}
		case interface{ Unwrap() http.ResponseWriter }:
			at = u.Unwrap()
			continue
		}
		break
	}
	h := w.Header()
	for name, values := range from {
		h[name] = append(h[name], values...)
	}
}

var copies = sync.Pool{New: func() any { return new([copySize]byte) }}

// copyBody copies what there is as it comes. Of an answer without a length nothing is kept back while the next part is waited for.
func (x *exchange) copyBody(w http.ResponseWriter, res *http.Response) error {
	p := copies.Get().(*[copySize]byte)
	defer copies.Put(p)
	pod, _ := res.Body.(interface{ Ready() bool })
	flushes := res.ContentLength < 0 || strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream")
	for {
		if flushes && !pod.Ready() {
			if err := x.control.Flush(); err != nil {
				return err
			}
		}
		n, err := res.Body.Read(p[:])
		if n > 0 {
			if _, err := w.Write(p[:n]); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// stopBody sees to it that nobody reads the client's body any more. What the pod has not taken by now it does not want.
func (x *exchange) stopBody() {
	if x.request == nil || !x.request.Sending() {
		return
	}
	if x.seat.link.h1.Available() == 0 {
		x.seat.link.close()
	}
	x.body.enter(func() { _ = x.control.SetReadDeadline(longAgo) })
	x.body.stop()
	_ = x.body.Close()
	x.request.Wait()
}

// hopByHop are the headers that are of a connection, and not of a message.
var hopByHop = [...]string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func isHopByHop(name string) bool {
	for _, h := range hopByHop {
		if name == h {
			return true
		}
	}
	return false
}

// dropHopByHop leaves what is of the message.
func dropHopByHop(h http.Header) {
	for name := range listed(h) {
		delete(h, name)
	}
	for _, name := range hopByHop {
		delete(h, name)
	}
}

// listed are the names of headers that Connection lists: they are of the connection too. It is asked once for a message: the list may be as long
// as the header.
func listed(h http.Header) map[string]bool {
	var names map[string]bool
	for _, line := range h["Connection"] {
		for one := range strings.SplitSeq(line, ",") {
			if one = strings.TrimSpace(one); one == "" || strings.EqualFold(one, "keep-alive") || strings.EqualFold(one, "close") {
				continue
			}
			if names == nil {
				names = map[string]bool{}
			}
			names[http.CanonicalHeaderKey(one)] = true
		}
	}
	return names
}
