package access

import (
	"slices"
	"time"
)

// Caller is who sent a request, by a credential that was checked. The zero Caller is anyone.
type Caller struct {
	Subject string // tells callers apart; empty: nobody knows who it is
	Tenant  string // on whose account sessions are made; empty: nobody's
	Groups  []string
	// Until is when the credential is good no longer; zero: nobody knows.
	Until time.Time
	// Right is what the credential itself allows, whatever the policy of the template says. Nil: the policy decides.
	Right *Right
}

// Right is what a credential allows its bearer to do to the one session that it was shown for.
type Right struct {
	Verbs      []Verb
	SessionUID string // only to the Session of this UID; empty: to whichever has the name
}

func (r *Right) allows(v Verb, s Session) bool {
	return slices.Contains(r.Verbs, v) && (r.SessionUID == "" || r.SessionUID == s.UID)
}

// Known is whether a credential says who it is.
func (c Caller) Known() bool { return c.Subject != "" }

// Anonymous is whether there was no credential at all.
func (c Caller) Anonymous() bool { return !c.Known() && c.Right == nil }

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

// Verbs are all there are.
var Verbs = []Verb{Use, Wake, Create, Look, Sleep, Delete}
