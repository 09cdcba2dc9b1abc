package access

// Caller is who sent a request, by a credential that was checked. The zero Caller is anyone.
type Caller struct {
	Subject string // tells callers apart; empty: nobody knows who it is
	Tenant  string // on whose account sessions are made; empty: nobody's
	Groups  []string
}

// Known is whether a credential says who it is.
func (c Caller) Known() bool { return c.Subject != "" }

// Verb is what a caller does to a session.
type Verb string

const (
	// Use sends a request to the pod of a session that is awake.
	Use Verb = "use"
	// Wake wakes a session that sleeps.
	Wake Verb = "wake"
	// Create makes a session that there was not.
	Create Verb = "create"
	// Look reads what is known of a session, and wakes nothing.
	Look Verb = "look"
	// Sleep lets a session fall asleep before its time.
	Sleep Verb = "sleep"
	// Delete ends a session for good.
	Delete Verb = "delete"
)
