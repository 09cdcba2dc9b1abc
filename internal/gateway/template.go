package gateway

import (
	"regexp"
	"time"
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
	// IdentityPath is asked over each new connection to a pod, before a request: its answer is the pod's UID. Empty: nothing is asked.
	IdentityPath string
	// Hibernates says that a WebSocket stays open while the session sleeps (idle.hibernateConnections).
	Hibernates bool
	// IdleAfter is how long nobody may need a session until it falls asleep (idle.after).
	IdleAfter time.Duration
}

// Route finds the key in a request. Exactly one field is set.
type Route struct {
	Host   string // a host name in which one whole label is {key}
	Path   string // a path prefix whose last segment is {key}, with a slash behind it
	Header string // the name of the header that is the key
}
