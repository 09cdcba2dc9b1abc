package gateway

import (
	"net/http"
	"strings"
)

// sameOrigin says whether the page that makes a request is of the host that it asks, or no page makes it. A browser opens a
// WebSocket for any page there is, with the cookies of the host in it, and asks nobody first. The scheme is not compared: who
// ends TLS before the gateway leaves it none.
func sameOrigin(r *http.Request) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	scheme, host, ok := strings.Cut(origins[0], "://")
	return ok && len(origins) == 1 && strings.EqualFold(trimPort(host, scheme), trimPort(r.Host, scheme))
}

// trimPort takes off the port that the scheme has anyway.
func trimPort(host, scheme string) string {
	switch scheme {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}
