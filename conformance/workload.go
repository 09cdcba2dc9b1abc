package conformance

import "errors"

// headers are the probes that look at the headers which the workload sees.
var headers = []Probe{
	{
		Name: "upgrade-h2c", For: forUpgrade, Needs: NeedsEcho, check: without("Connection", "Upgrade", "HTTP2-Settings"),
		send: get("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"),
	},
	{Name: "upgrade-tls", For: forUpgrade, Needs: NeedsEcho, send: get("Connection: Upgrade", "Upgrade: TLS/1.0"), check: without("Connection", "Upgrade")},
	{Name: "upgrade-two", For: forUpgrade, Needs: NeedsEcho, send: get("Connection: Upgrade", "Upgrade: websocket, h2c"), check: without("Connection", "Upgrade")},
	{Name: "underscore-twin", For: forTrust, Needs: NeedsEcho, send: get("X_Gw_Key: evil", "X_Forwarded_For: evil"), check: nowhere("evil")},
	{
		Name: "forwarded", For: forTrust, Needs: NeedsEcho, check: nowhere("6.6.6"),
		send: get("X-Forwarded-For: 6.6.6.6", "X-Real-IP: 6.6.6.6", "Forwarded: for=6.6.6.6", "True-Client-IP: 6.6.6.6", "X-Forwarded-Host: 6.6.6.test",
			"X-Forwarded-Prefix: /6.6.6", "X-Forwarded-User: 6.6.6"),
	},
	{
		Name: "original-url", For: forTrust, Needs: NeedsEcho, check: nowhere("/evil"),
		send: get("X-Original-URL: /evil", "X-Original-Method: /evil", "X-Envoy-Original-Path: /evil"),
	},
	{Name: "session-headers", For: forTrust, Needs: NeedsEcho, send: get("Session-Key: evil", "SESSION-EPOCH: evil", "Session-Tenant: evil", "dormouse-x: evil"), check: nowhere("evil")},
	{
		Name: "connection-names-trusted", For: forTrust, Needs: NeedsEcho, check: with("Session-Key", "Session-Epoch", "X-Forwarded-For", "X-Forwarded-Host"),
		send: get("Connection: Session-Key, Session-Epoch, X-Forwarded-For, X-Forwarded-Host"),
	},
	{Name: "own-cookie", For: forTrust, Needs: NeedsEcho, send: get("Cookie: a=1; __Host-dormouse=evil; b=2"), check: nowhere("evil")},
}

// verbatim are the probes that look at the target which the workload sees.
var verbatim = []Probe{
	{Name: "path-dots", For: forVerbatim, Needs: NeedsEcho, send: lines("GET {path}a/../b/./c HTTP/1.1", "Host: {host}"), check: target("/a/../b/./c")},
	{Name: "path-dots-above", For: forVerbatim, Needs: NeedsEcho, send: lines("GET {path}a/../../b%2f..%2fc HTTP/1.1", "Host: {host}"), check: target("/a/../../b%2f..%2fc")},
	{Name: "path-slashes", For: forVerbatim, Needs: NeedsEcho, send: lines("GET {path}/x//y HTTP/1.1", "Host: {host}"), check: target("//x//y")},
	{Name: "path-bytes", For: forVerbatim, Needs: NeedsEcho, send: lines(`GET {path}%41|b"c^d HTTP/1.1`, "Host: {host}"), check: target(`/%41|b"c^d`)},
	{Name: "query", For: forVerbatim, Needs: NeedsEcho, send: lines("GET {path}x?a=1;b=2&c=%zz HTTP/1.1", "Host: {host}"), check: target("/x?a=1;b=2&c=%zz")},
	{Name: "query-empty", For: forVerbatim, Needs: NeedsEcho, send: lines("GET {path}x? HTTP/1.1", "Host: {host}"), check: target("/x?")},
	{Name: "body", For: forVerbatim, Needs: NeedsEcho, send: []string{"PUT {path} HTTP/1.1", "Host: {host}", "Content-Length: 5", "", "a\r\n\x00b"}, check: seen(hasBody)},
}

func hasBody(s Seen) error {
	if s.Method != "PUT" || s.Body != "a\r\n\x00b" {
		return errors.New("the workload saw " + s.Method + " with another body")
	}
	return nil
}

// answers are the probes that look at what comes back of what a workload says.
var answers = []Probe{
	{Name: "wide-cookie", For: forAnswer, Needs: NeedsEcho, send: get("Echo: Set-Cookie: a=1; Domain={site}"), check: not("Set-Cookie")},
	{Name: "cookie-of-the-gateway", For: forAnswer, Needs: NeedsEcho, send: get("Echo: Set-Cookie: __Host-dormouse=1; Path=/; Secure"), check: not("Set-Cookie")},
	{Name: "reason-of-the-gateway", For: forAnswer, Needs: NeedsEcho, send: get("Echo: Dormouse-Reason: Gone"), check: not("Dormouse-Reason")},
	{Name: "well-known", For: forAdmin, send: lines("GET /.well-known/dormouse/conformance HTTP/1.1", "Host: {host}"), check: own},
	{Name: "pprof", For: forAdmin, send: lines("GET /debug/pprof/cmdline HTTP/1.1", "Host: {host}"), check: ours, Needs: NeedsEcho},
	{Name: "metrics", For: forAdmin, send: lines("GET /metrics HTTP/1.1", "Host: {host}"), check: ours, Needs: NeedsEcho},
}

// slow are the probes that wait to be cut off.
var slow = []Probe{
	{Name: "headers-never-end", For: forExpensive, Slow: true, send: []string{"GET {path} HTTP/1.1", "Host: {host}", "X-A: "}, check: ended},
	{
		Name: "body-never-ends", For: forExpensive, Slow: true, Needs: NeedsEcho, check: ended,
		send: []string{"POST {path} HTTP/1.1", "Host: {host}", "Content-Length: 10", "", "abc"},
	},
}
