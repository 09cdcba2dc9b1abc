package lifecycle

import "time"

// Times that no template sets.
const (
	// quietWake is how long a start may go on unreported: a phase that lasts less is not worth a write on a request's way.
	quietWake = time.Second
	// lateGateway is how long a drain waits for the gateways before it says so: five renewals of a gateway's Lease.
	lateGateway = 10 * time.Second
	// forcedDrain is how long requests may go on in a drain that no demand takes back: the default grace of a pod.
	forcedDrain = 30 * time.Second
	// finish is how long an ended pod is left for its kubelet to finish, while nobody needs its name.
	finish = 2 * time.Second
)

// Times that stand in for a template that is gone.
const (
	DefaultWakeTimeout = time.Minute
	DefaultIdleAfter   = 5 * time.Minute
)

// rule is one answer and when it applies.
type rule struct {
	name   string
	answer func(o *Observation) (Step, bool)
}

// rules in the order in which they are asked. What ends comes before what serves, and what serves before what starts.
var rules = []rule{
	{"a pod that is not the session's pod of now is ended and released", discard},
	{"how the pod ended is recorded before its name is free", record},
	{"a deleted session that ran has its last sessions run before it goes", destroy},
	{"a deleted session lets its pod go", leave},
	{"a published session that is idle longest makes room for one that waits", makeRoom},
	{"a published session stays so until it is idle", serve},
	{"a stop that is committed is carried out", stop},
	{"an unpublished session is drained, saved and stopped, unless it is wanted again", drain},
	{"a start that has begun is carried to publication or to its time-out", start},
	{"a session that is over sees to those that follow from it", handOver},
	{"a session beyond its limit that never began is refused, and removed if a request made it", beyond},
	{"without a pod, a session sleeps until it is wanted", sleep},
	{"what cannot start says why", refuse},
	{"a wanted session gets a pod", wake},
}

// Next says what to do for a session of which o is observed.
func Next(o Observation) Step {
	step, _ := Explain(o)
	return step
}

// Explain is Next, and the rule that answered.
func Explain(o Observation) (Step, string) {
	for _, r := range rules {
		if step, ok := r.answer(&o); ok {
			return o.say(step), r.name
		}
	}
	return o.say(o.hold()), "nothing applies"
}

// Rules lists the rules in their order.
func Rules() []string {
	names := make([]string, 0, len(rules))
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}
