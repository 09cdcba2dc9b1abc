package access

// Who is a kind of callers.
type Who int

const (
	// Anyone is whoever comes.
	Anyone Who = iota
	// Authenticated is whoever a credential says something of.
	Authenticated
	// Owner is the one whose session it is.
	Owner
)

// Policy is who may do what to the sessions of a template, and by which credentials callers are told apart. A nil one, like
// the zero one, lets anyone use, wake and create.
type Policy struct {
	Use  Who // and look
	Wake Who // beside using it: wake, create, and let sleep; an Owner creates what becomes its own

	Issuers    []*Issuer // of JSON Web Tokens
	Capability bool      // tokens of ours are taken
	Kubernetes bool      // tokens of the cluster are taken
}

// Identifies is whether there is any credential that the policy takes.
func (p *Policy) Identifies() bool {
	return p != nil && (len(p.Issuers) > 0 || p.Capability || p.Kubernetes)
}

// Session is what a decision needs to know of a session. The zero Session is none: there is no such object.
type Session struct {
	UID   string
	Owner string // a Subject; empty: nobody's
}

// Decision is what became of a question.
type Decision int

const (
	// Forbidden is a caller who may not, whoever it is. It is the zero Decision.
	Forbidden Decision = iota
	// Unauthenticated is a caller of whom nothing is known, where others may.
	Unauthenticated
	// Allowed is a caller who may.
	Allowed
)

// Decide says whether a caller may do something to a session. What ends a session for good is its owner's alone, unless a
// credential allows it.
func Decide(p *Policy, c Caller, s Session, v Verb) Decision {
	if c.Right != nil {
		return decided(c.Right.allows(v, s))
	}
	for _, who := range p.demands(v) {
		if d := who.holds(c, s, v); d != Allowed {
			return d
		}
	}
	return Allowed
}

// NeedsSession is whether a decision about what the caller does may depend on which Session there is, and whose.
func NeedsSession(p *Policy, c Caller, v Verb) bool {
	if c.Right != nil {
		return c.Right.SessionUID != ""
	}
	for _, who := range p.demands(v) {
		if who == Owner && c.Known() {
			return true
		}
	}
	return false
}

// demands are all that a caller must be.
func (p *Policy) demands(v Verb) []Who {
	if p == nil {
		p = &Policy{}
	}
	switch v {
	case Use, Look:
		return []Who{p.Use}
	case Wake, Create, Sleep:
		return []Who{p.Use, p.Wake}
	}
	return []Who{Owner}
}

func (w Who) holds(c Caller, s Session, v Verb) Decision {
	switch {
	case w == Anyone:
		return Allowed
	case !c.Known():
		return Unauthenticated
	case w == Authenticated, v == Create:
		return Allowed
	}
	return decided(s.Owner == c.Subject)
}

func decided(may bool) Decision {
	if may {
		return Allowed
	}
	return Forbidden
}
