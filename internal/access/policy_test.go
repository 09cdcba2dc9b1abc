package access

import (
	"fmt"
	"testing"
)

// Who may do what is this table: the policy, then per caller what it may do.
func TestDecide(t *testing.T) {
	nobody, alice, bob := Caller{}, Caller{Subject: "alice"}, Caller{Subject: "bob"}
	hers := Session{UID: "1", Owner: "alice"}
	for _, tt := range []struct {
		policy *Policy
		caller Caller
		to     Session
		verbs  string // of use, wake, create, look, sleep, delete: allowed (a), unauthenticated (u), forbidden (f)
	}{
		{nil, nobody, hers, "aaaaau"},
		{nil, bob, hers, "aaaaaf"},
		{nil, alice, hers, "aaaaaa"},
		{&Policy{Use: Authenticated}, nobody, hers, "uuuuuu"},
		{&Policy{Use: Authenticated}, bob, hers, "aaaaaf"},
		{&Policy{Use: Owner}, nobody, hers, "uuuuuu"},
		{&Policy{Use: Owner}, bob, hers, "ffafff"},
		{&Policy{Use: Owner}, alice, hers, "aaaaaa"},
		{&Policy{Use: Owner}, alice, Session{UID: "1"}, "ffafff"},
		{&Policy{Wake: Authenticated}, nobody, hers, "auuauu"},
		{&Policy{Wake: Owner}, nobody, hers, "auuauu"},
		{&Policy{Wake: Owner}, bob, hers, "afaaff"},
		{&Policy{Wake: Owner}, alice, hers, "aaaaaa"},
		{&Policy{Use: Owner, Wake: Authenticated}, bob, hers, "ffafff"},
	} {
		t.Run(fmt.Sprintf("%+v %s", tt.policy, tt.caller.Subject), func(t *testing.T) {
			got := ""
			for _, v := range Verbs {
				got += string("fua"[Decide(tt.policy, tt.caller, tt.to, v)])
			}
			if got != tt.verbs {
				t.Errorf("got %s, want %s", got, tt.verbs)
			}
		})
	}
}

// A credential that carries its own right allows that and nothing else, whatever the policy says.
func TestRight(t *testing.T) {
	for _, p := range []*Policy{nil, {Use: Owner, Wake: Owner}} {
		for _, tt := range []struct {
			right Right
			to    Session
			verb  Verb
			want  Decision
		}{
			{Right{Verbs: []Verb{Use}}, Session{UID: "1", Owner: "x"}, Use, Allowed},
			{Right{Verbs: []Verb{Use}}, Session{UID: "1", Owner: "x"}, Wake, Forbidden},
			{Right{Verbs: []Verb{Use}, SessionUID: "1"}, Session{UID: "1"}, Use, Allowed},
			{Right{Verbs: []Verb{Use}, SessionUID: "1"}, Session{UID: "2"}, Use, Forbidden},
			{Right{Verbs: []Verb{Create}, SessionUID: "1"}, Session{}, Create, Forbidden},
			{Right{}, Session{UID: "1"}, Use, Forbidden},
		} {
			if got := Decide(p, Caller{Right: &tt.right}, tt.to, tt.verb); got != tt.want {
				t.Errorf("%+v %s %+v: %v, want %v", tt.right, tt.verb, tt.to, got, tt.want)
			}
		}
	}
}

// Where a decision is said not to depend on the session, no session changes it.
func TestNeedsSession(t *testing.T) {
	callers := []Caller{{}, {Subject: "alice"}, {Right: &Right{Verbs: Verbs}}, {Right: &Right{Verbs: Verbs, SessionUID: "1"}}}
	sessions := []Session{{}, {UID: "1"}, {UID: "1", Owner: "alice"}, {UID: "2", Owner: "bob"}}
	for use := Anyone; use <= Owner; use++ {
		for wake := Anyone; wake <= Owner; wake++ {
			p := &Policy{Use: use, Wake: wake}
			for _, c := range callers {
				for _, v := range Verbs {
					if NeedsSession(p, c, v) {
						continue
					}
					for _, s := range sessions {
						if got, want := Decide(p, c, s, v), Decide(p, c, Session{}, v); got != want {
							t.Errorf("%+v %+v %s: %v for %+v, %v for none", p, c, v, got, s, want)
						}
					}
				}
			}
		}
	}
}
