package resolve

import (
	"regexp"
	"time"

	"github.com/dormouse-dev/dormouse/internal/access"
)

// Template is what the gateway knows of a SessionTemplate.
type Template struct {
	Namespace, Name string

	// Pattern is what a whole key must match, anchored: see key.Pattern. Nil matches no key.
	Pattern *regexp.Regexp
	// Create says that a request for a key without a Session makes one (key.onMissing).
	Create bool
	// Routes find the key in a request. The first that matches wins; a template without routes is never resolved.
	Routes []Route
	// WakeTimeout is how long a request may wait for the session (wake.timeout).
	WakeTimeout time.Duration
	// MaxHeld is how many requests for one key may wait in this gateway (wake.maxHeld).
	MaxHeld int
	// ReadyPath is polled once for each pod, before its first request. Empty: an open port is enough.
	ReadyPath string
	// Raw says that the sessions speak no HTTP: raw connections are passed through to them, and no request reaches them.
	Raw bool
	// IdentityPath is asked over each new connection to a pod, before a request: its answer is the pod's UID. Empty: nothing is asked.
	IdentityPath string
	// IdentityPort is where IdentityPath is asked of a pod that speaks no HTTP at its own, before a raw connection is used; zero: nowhere.
	IdentityPort int
	// Hibernates says that a WebSocket stays open while the session sleeps (idle.hibernateConnections).
	Hibernates bool
	// IdleAfter is how long nobody may need a session until it falls asleep (idle.after).
	IdleAfter time.Duration
	// Access says who may do what to the sessions. Nil: anyone may, and no request is asked for a credential.
	Access *access.Policy
}

// Route finds the key in a request. Exactly one field is set.
type Route struct {
	Host   string // a host name in which one label is {key}, or holds it
	Path   string // a path prefix whose last segment is {key}, with a slash behind it
	Header string // the name of the header that is the key
	Cookie string // the name of the cookie that is the key
	Query  string // the name of the parameter of the query that is the key
	Claim  string // the name of the claim that is the key, of a token that Access takes
}

// String is the route as a log has it: with {key} in the key's place.
func (r Route) String() string {
	switch {
	case r.Header != "":
		return r.Header + ": " + placeholder
	case r.Cookie != "":
		return "Cookie: " + r.Cookie + "=" + placeholder
	case r.Query != "":
		return "?" + r.Query + "=" + placeholder
	case r.Claim != "":
		return "claim " + r.Claim + ": " + placeholder
	}
	return r.Host + r.Path
}
