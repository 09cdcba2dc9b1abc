package h1

import (
	"context"
	"net/http"
	"net/url"
	"strings"
)

// verdict is what becomes of a request's head.
type verdict int

const (
	good    verdict = iota
	bad             // 400
	strange         // net/http may know
)

// arrived is a request as its head says it.
type arrived struct {
	*http.Request
	framing framing
	expects bool
}

// parseRequest parses the head of a request of HTTP/1.1. Whatever is in it that this package does not do itself is strange: another version,
// CONNECT, a coding or an expectation. What has two meanings is bad. base is a request that has the context.
func parseRequest(text string, base *http.Request, ctx context.Context) (a arrived, v verdict) {
	first, rest, err := line(text, false)
	if err != nil {
		return a, bad
	}
	h, err := parseFields(rest, false)
	if err != nil {
		return a, bad
	}
	method, target, proto := cutLine(first)
	if proto != "HTTP/1.1" || method == http.MethodConnect || !isName(method) {
		return a, foreign(h)
	}
	u, ok := parseTarget(target)
	if !ok {
		return a, bad
	}
	hosts := h["Host"]
	if len(hosts) != 1 || !isHost(hosts[0]) {
		return a, bad
	}
	delete(h, "Host")
	r := base.WithContext(ctx)
	r.Method, r.URL, r.RequestURI, r.Header, r.Host = method, u, target, h, hosts[0]
	r.Proto, r.ProtoMajor, r.ProtoMinor = proto, 1, 1
	if u.Host != "" {
		r.Host = u.Host
	}
	r.Close = has(h["Connection"], "close")
	a.Request = r
	return a, a.frame()
}

// foreign is the verdict on a request that net/http is to read: not one whose length it would read in one of two ways.
func foreign(h http.Header) verdict {
	if len(h["Content-Length"]) > 1 || h["Transfer-Encoding"] != nil {
		return bad
	}
	return strange
}

// cutLine cuts a request line in three.
func cutLine(s string) (method, target, proto string) {
	method, s, _ = strings.Cut(s, " ")
	target, proto, _ = strings.Cut(s, " ")
	return method, target, proto
}

// frame finds out where the message ends.
func (a *arrived) frame() verdict {
	h := a.Header
	n, err := length(h, false)
	if err != nil {
		return bad
	}
	coded := h["Transfer-Encoding"] != nil
	if coded && n >= 0 {
		return bad
	}
	if _, err := takeChunked(h); err != nil {
		return strange
	}
	a.ContentLength, a.framing = max(n, 0), sized
	if coded {
		a.ContentLength, a.framing = -1, chunked
		a.TransferEncoding = []string{"chunked"}
	}
	if a.Trailer, err = takeTrailers(h, coded); err != nil {
		return bad
	}
	return a.expect()
}

// expect finds out whether the client waits until it is asked for the body.
func (a *arrived) expect() verdict {
	switch expect := a.Header["Expect"]; {
	case len(expect) == 0 || expect[0] == "":
	case len(expect) == 1 && equalFold(expect[0], "100-continue"):
		a.expects = a.ContentLength != 0
	default:
		return strange
	}
	return good
}

// parseTarget parses what stands in the request line. Most of them need no more than to be cut at the question mark.
func parseTarget(s string) (*url.URL, bool) {
	path, query, asks := strings.Cut(s, "?")
	if s == "" || s[0] != '/' || strings.HasPrefix(s, "//") || !isPlainPath(path) || !isTarget(s) || asks && query == "" {
		if !isTarget(s) {
			return nil, false
		}
		u, err := url.ParseRequestURI(s)
		return u, err == nil
	}
	return &url.URL{Path: path, RawQuery: query}, true
}

// isPlainPath says whether a path is the same before and after it is decoded and encoded.
func isPlainPath(s string) bool {
	for i := range len(s) {
		if !plainPath[s[i]] {
			return false
		}
	}
	return true
}

var plainPath = setOf("-_.~/$&+,:;=@0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

// hostBytes are those that net/http lets through, which are more than a host has.
var hostBytes = setOf("!$%&()*+,-.:;=@[']_~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

func isHost(s string) bool {
	for i := range len(s) {
		if !hostBytes[s[i]] {
			return false
		}
	}
	return true
}

func setOf(chars string) (t [256]bool) {
	for _, c := range chars {
		t[c] = true
	}
	return t
}
