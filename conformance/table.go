package conformance

import (
	"slices"
	"strings"
)

// Probes are all there are, in the order in which they are told.
func Probes() []Probe {
	return slices.Concat(methods, hosts, framing, keys, headers, verbatim, answers, slow)
}

// lines is a request without a body.
func lines(all ...string) []string { return append(all, "", "") }

// get is a request for the session's path /, with some headers.
func get(headers ...string) []string {
	return lines(append([]string{"GET {path} HTTP/1.1", "Host: {host}"}, headers...)...)
}

const (
	forTunnel    = "no client gets a tunnel, or an echo of headers that a page may not read"
	forHost      = "a host has one spelling, and the one that was looked at is the one that is served"
	forOne       = "a request begins and ends where everybody thinks it does"
	forKey       = "no key climbs out of its place in the path"
	forUpgrade   = "nothing but WebSocket is switched to: behind another protocol nobody looks"
	forTrust     = "what an application trusts is said by the gateway, not by the client"
	forVerbatim  = "the application gets its part of the request as it was sent"
	forAnswer    = "a session speaks for itself only"
	forAdmin     = "nothing but sessions is on the port of the clients"
	forExpensive = "a client cannot have memory or a connection for nothing"
)

var methods = []Probe{
	{Name: "connect", For: forTunnel, send: lines("CONNECT {name}:443 HTTP/1.1", "Host: {host}"), check: refused(405, "MethodNotAllowed")},
	{Name: "trace", For: forTunnel, send: lines("TRACE {path} HTTP/1.1", "Host: {host}"), check: refused(405, "MethodNotAllowed")},
}

var hosts = []Probe{
	{Name: "host-garbage", For: forHost, send: lines("GET {path} HTTP/1.1", "Host: KEY_1,x.{name}.:80"), check: refused(400, "BadHost")},
	{Name: "host-underscore", For: forHost, send: lines("GET {path} HTTP/1.1", "Host: a_b.{name}"), check: refused(400, "BadHost")},
	{Name: "host-trailing-dot", For: forHost, send: lines("GET {path} HTTP/1.1", "Host: {name}."), check: refused(400, "BadHost")},
	{Name: "host-empty-port", For: forHost, send: lines("GET {path} HTTP/1.1", "Host: {name}:"), check: refused(400, "BadHost")},
	{Name: "host-port-too-large", For: forHost, send: lines("GET {path} HTTP/1.1", "Host: {name}:65536"), check: refused(400, "BadHost")},
	{Name: "host-empty", For: forHost, send: lines("GET {path} HTTP/1.1", "Host:"), check: refused(400, "BadHost")},
	{Name: "host-none-1.0", For: forHost, send: lines("GET {path} HTTP/1.0"), check: refused(400, "BadHost")},
	{Name: "host-none-1.1", For: forHost, send: lines("GET {path} HTTP/1.1"), check: refused(400, "")},
	{Name: "host-twice", For: forHost, send: lines("GET {path} HTTP/1.1", "Host: {host}", "Host: x.{host}"), check: refused(400, "")},
	{Name: "absolute-form", For: forHost, send: lines("GET http://{host}{path} HTTP/1.1", "Host: x.{host}"), check: refused(400, "BadTarget")},
	{Name: "fragment", For: forHost, send: lines("GET {path}#x HTTP/1.1", "Host: {host}"), check: refused(400, "BadTarget")},
}

var framing = []Probe{
	{
		Name: "content-length-twice", For: forOne, check: refused(400, ""),
		send: []string{"POST {path} HTTP/1.1", "Host: {host}", "Content-Length: 1", "Content-Length: 2", "", "ab"},
	},
	{
		Name: "transfer-encoding-unknown", For: forOne, check: refused(501, ""),
		send: []string{"POST {path} HTTP/1.1", "Host: {host}", "Transfer-Encoding: xchunked", "", "0", "", ""},
	},
	{Name: "space-before-colon", For: forOne, check: refused(400, ""), send: get("X-A : b")},
	{
		Name: "chunk-malformed", For: forOne, Needs: NeedsEcho, check: refused(400, "BadBody"),
		send: []string{"POST {path} HTTP/1.1", "Host: {host}", "Transfer-Encoding: chunked", "", "zz", "abc", "", ""},
	},
	{Name: "headers-too-large", For: forExpensive, check: refused(431, ""), send: get("X-Large: " + strings.Repeat("x", 33<<10))},
}

var keys = []Probe{
	{Name: "key-dot-segment", For: forKey, Needs: NeedsPathRoute, send: lines("GET {parent}../x HTTP/1.1", "Host: {host}"), check: refused(400, "BadKey")},
	{Name: "key-encoded-dots", For: forKey, Needs: NeedsPathRoute, send: lines("GET {parent}%2e%2E/x HTTP/1.1", "Host: {host}"), check: refused(400, "BadKey")},
	{Name: "key-encoded-slash", For: forKey, Needs: NeedsPathRoute, send: lines("GET {parent}a%2fb/x HTTP/1.1", "Host: {host}"), check: refused(400, "BadKey")},
	{Name: "key-not-utf8", For: forKey, Needs: NeedsPathRoute, send: lines("GET {parent}%ff/x HTTP/1.1", "Host: {host}"), check: refused(400, "BadKey")},
}
