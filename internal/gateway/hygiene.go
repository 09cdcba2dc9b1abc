package gateway

import (
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/dormouse-dev/dormouse/internal/access"
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
// are dropped.
var reserved = []string{
	"X-Forwarded-", "X-Real-Ip", "X-Original-", "X-Envoy-", "Forwarded", "True-Client-Ip", "Session-", "Dormouse-",
}

// screen refuses what no session gets: CONNECT would be a tunnel, and TRACE echoes headers that a page may not read.
func screen(r *http.Request) error {
	if r.Method == http.MethodConnect || r.Method == http.MethodTrace {
		return &Problem{Reason: ReasonMethodNotAllowed}
	}
	return nil
}

// isWebSocket says whether r asks for an upgrade to WebSocket, the only one that there is here.
func isWebSocket(r *http.Request) bool {
	return r.Method == http.MethodGet && r.ProtoAtLeast(1, 1) &&
		httpguts.HeaderValuesContainsToken(r.Header["Connection"], "Upgrade") &&
		len(r.Header["Upgrade"]) == 1 && strings.EqualFold(r.Header["Upgrade"][0], "websocket")
}

// rewrite makes the request that the pod sees. The hop-by-hop headers are gone when it is called, so what the client lists
// in Connection takes away nothing that is set here.
func rewrite(pr *httputil.ProxyRequest, t Target, podUID string, epoch int64) {
	scrub(pr.Out.Header)
	scrub(pr.Out.Trailer)
	pr.Out.URL = podURL(podUID, t.Path, pr.In.URL)
	h := pr.Out.Header
	h.Set(headerKey, url.PathEscape(t.Key))
	h.Set(headerEpoch, strconv.FormatInt(epoch, 10))
	introduce(h, t.Caller)
	h.Set(headerForwardedHost, pr.In.Host)
	h.Set(headerForwardedProto, scheme(pr.In))
	if ip, _, err := net.SplitHostPort(pr.In.RemoteAddr); err == nil {
		h.Set(headerForwardedFor, ip)
	}
	if t.PathPrefix != "" {
		h.Set(headerForwardedPrefix, t.PathPrefix)
	}
}

// introduce says who the caller is, in the place of the credential.
func introduce(h http.Header, c access.Caller) {
	if c.Known() {
		h.Set(headerCaller, url.PathEscape(c.Subject))
	}
	if len(c.Groups) == 0 {
		return
	}
	groups := make([]string, len(c.Groups))
	for i, g := range c.Groups {
		groups[i] = url.PathEscape(g)
	}
	h.Set(headerGroups, strings.Join(groups, ","))
}

// scrub drops the reserved names, and names with an underscore: many servers cannot tell X_Forwarded_For from X-Forwarded-For.
func scrub(h http.Header) {
	for name := range h {
		if isReserved(name) || strings.Contains(name, "_") {
			delete(h, name)
		}
	}
}

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

func scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}
