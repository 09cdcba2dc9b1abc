package gateway

import (
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"

	"github.com/dormouse-dev/dormouse/internal/access"
	"github.com/dormouse-dev/dormouse/internal/gateway/answer"
	"github.com/dormouse-dev/dormouse/internal/gateway/front"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// Headers of a request to a pod.
const (
	headerKey             = "Session-Key"
	headerEpoch           = "Session-Epoch"
	headerCaller          = "Session-Caller"
	headerGroups          = "Session-Caller-Groups"
	headerForwardedFor    = "X-Forwarded-For"
	headerForwardedHost   = "X-Forwarded-Host"
	headerForwardedProto  = "X-Forwarded-Proto"
	headerForwardedPrefix = "X-Forwarded-Prefix"
)

// reserved are the beginnings of header names that an application trusts because the proxy before it sets them. A client's own
// are dropped. HTTP2-Settings is half an upgrade, whose other half somebody before the gateway may have taken off.
var reserved = []string{
	"X-Forwarded-", "X-Real-Ip", "X-Original-", "X-Envoy-", "Forwarded", "True-Client-Ip", "Session-", "Dormouse-", "Http2-Settings",
}

// screen refuses what no session gets: CONNECT would be a tunnel, and TRACE echoes headers that a page may not read.
func screen(r *http.Request) error {
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return &answer.Problem{Reason: answer.ReasonMethodNotAllowed}
	}
	return nil
}

// rewrite makes the request that the pod sees. The hop-by-hop headers are gone when it is called, so what the client lists
// in Connection takes away nothing that is set here.
func rewrite(pr *httputil.ProxyRequest, t *resolve.Target, podUID string, epoch int64, scheme string) {
	scrub(pr.Out.Header)
	keepCookies(pr.Out.Header)
	scrub(pr.Out.Trailer)
	pr.Out.URL = podURL(podUID, t.Path, pr.In.URL)
	fields, n := present(pr.In, t, epoch, scheme)
	for _, f := range fields[:n] {
		pr.Out.Header.Set(f.name, f.value)
	}
}

// field is one of a header.
type field struct{ name, value string }

// present is what the gateway says of a request: the first n fields.
func present(in *http.Request, t *resolve.Target, epoch int64, scheme string) (fields [8]field, n int) {
	set := func(name, value string) {
		fields[n] = field{name, value}
		n++
	}
	set(headerKey, url.PathEscape(t.Key))
	set(headerEpoch, strconv.FormatInt(epoch, 10))
	if t.Caller.Known() {
		set(headerCaller, url.PathEscape(t.Caller.Subject))
	}
	if len(t.Caller.Groups) > 0 {
		set(headerGroups, groupsOf(t.Caller))
	}
	set(headerForwardedHost, in.Host)
	set(headerForwardedProto, scheme)
	if client := front.HostOf(in); client != "" {
		set(headerForwardedFor, client)
	}
	if t.PathPrefix != "" {
		set(headerForwardedPrefix, t.PathPrefix)
	}
	return fields, n
}

func groupsOf(c access.Caller) string {
	groups := make([]string, len(c.Groups))
	for i, g := range c.Groups {
		groups[i] = url.PathEscape(g)
	}
	return strings.Join(groups, ",")
}

// scrub drops the reserved names, and names with an underscore: many servers cannot tell X_Forwarded_For from X-Forwarded-For.
func scrub(h http.Header) {
	for name := range h {
		if isDropped(name) {
			delete(h, name)
		}
	}
}

func isDropped(name string) bool { return isReserved(name) || strings.Contains(name, "_") }

func isReserved(name string) bool {
	for _, prefix := range reserved {
		if len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix) {
			return true
		}
	}
	return false
}

// podURL carries path and query byte for byte: as an opaque URL, because the path of any other is encoded anew. That one
// cannot begin with two slashes.
func podURL(podUID, path string, in *url.URL) *url.URL {
	u := &url.URL{Scheme: "http", Host: podUID + ":80", Opaque: path, RawQuery: in.RawQuery, ForceQuery: in.ForceQuery}
	if strings.HasPrefix(path, "//") {
		u.Opaque, u.RawPath = "", path
		u.Path, _ = url.PathUnescape(path) // a part of what net/http could decode
	}
	return u
}
