package lifecycle

import "time"

// Situation is something that can be so, with the words for it.
type Situation struct {
	Name string
	Set  func(o *Observation)
}

// Typical is an observation from which situations start: a template that idles after 5 minutes, gateways
// that have seen everything, room under the limits, and a Session that nobody has wanted yet.
func Typical() Observation {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	return Observation{
		Now:      now,
		Session:  Session{Protected: true, ActiveSince: now},
		Template: typicalTemplate(),
		Sight:    true,
		Slot:     true,
	}
}

func typicalTemplate() Template {
	return Template{
		Found: true, IdleAfter: DefaultIdleAfter, WakeTimeout: DefaultWakeTimeout,
		Restart: Restart{Policy: Transient, Max: DefaultRestarts, Within: DefaultWithin},
	}
}

// Sessions are the situations of a Session.
var Sessions = []Situation{
	{"new", func(*Observation) {}},
	{"new, wanted", func(o *Observation) { o.Session.Touched = true }},
	{"asleep", func(o *Observation) { o.drained(Asleep, ReasonAsleep); o.Session.PodUID = "" }},
	{"asleep, touched", func(o *Observation) { o.drained(Asleep, ReasonAsleep); o.Session.PodUID = ""; o.Session.Touched = true }},
	{"queued", func(o *Observation) {
		o.Session.Phase, o.Session.Reason, o.Session.Touched, o.Slot = Queued, ReasonQueued, true, false
	}},
	{"refused for a limit", func(o *Observation) {
		o.drained(Queued, ReasonLimitReached)
		o.Session.PodUID, o.Session.Limit, o.Full = "", "limits.awake", Full{"limits.awake", true}
	}},
	{"full, wanted", func(o *Observation) { o.Session.Touched, o.Slot, o.Full = true, false, Full{"limits.awake", true} }},
	{"beyond its limit, wanted", func(o *Observation) { o.beyond(); o.Session.Touched = true }},
	{"beyond its limit, made, told", func(o *Observation) {
		o.beyond()
		o.Session.Made, o.Session.Phase, o.Session.Reason, o.Session.Drained = true, Queued, ReasonBeyondLimit, true
	}},
	{"beyond its limit, has run", func(o *Observation) {
		o.drained(Asleep, ReasonAsleep)
		o.beyond()
		o.Session.PodUID, o.Session.Touched = "", true
	}},
	{"awake", func(o *Observation) { o.published() }},
	{"awake, asked for room", func(o *Observation) { o.published(); o.Evict = true }},
	{"awake, makes room", func(o *Observation) {
		o.published()
		o.Evict, o.Session.ActiveSince = true, o.Now.Add(-DefaultIdleAfter/2)
		o.Session.PublishedSince = o.Session.ActiveSince
	}},
	{"awake, idle", func(o *Observation) {
		o.published()
		o.Session.ActiveSince, o.Session.PublishedSince = o.Now.Add(-time.Hour), o.Now.Add(-time.Hour)
	}},
	{"awake, busy", func(o *Observation) {
		o.published()
		o.Session.ActiveSince, o.Session.BusyUntil = o.Now.Add(-time.Hour), o.Now.Add(10*time.Minute)
	}},
	{"awake, told to sleep", func(o *Observation) { o.published(); o.Session.IdleAfter = new(time.Duration) }},
	{"awake, deleted", func(o *Observation) { o.published(); o.Session.Deleting = true }},
	{"draining, unseen", func(o *Observation) { o.drained(Draining, ReasonDraining); o.Sight = false }},
	{"draining, unsaved", func(o *Observation) { o.drained(Draining, ReasonDraining) }},
	{"draining, saved", func(o *Observation) { o.drained(Draining, ReasonDraining); o.Save.Done = true }},
	{"draining, touched", func(o *Observation) { o.drained(Draining, ReasonDraining); o.Session.Touched = true }},
	{"draining, deleted", func(o *Observation) {
		o.drained(Draining, ReasonDraining)
		o.Session.Deleting, o.Session.Forced, o.Session.Deadline, o.Save.Done = true, true, o.Now.Add(forcedDrain), true
	}},
	{"stopping", func(o *Observation) { o.drained(Stopping, ReasonStopping) }},
	{"stopping, touched", func(o *Observation) { o.drained(Stopping, ReasonStopping); o.Session.Touched = true }},
	{"failed", func(o *Observation) {
		o.drained(Failed, ReasonStartFailed)
		o.Session.PodUID, o.Session.Failures, o.Session.RetryAt = "", 1, o.Now.Add(time.Second)
	}},
	{"awake, suspended", func(o *Observation) { o.published(); o.Session.Suspended = true }},
	{"awake, of an older template", func(o *Observation) { o.published(); o.Session.Outdated = true }},
	{"awake, may hibernate soon", func(o *Observation) { o.published(); o.Template.HibernateAfter = time.Minute }},
	{"awake, may hibernate", func(o *Observation) {
		o.published()
		o.Template.HibernateAfter = 5 * time.Second
		o.Session.ActiveSince = o.Now.Add(-time.Minute)
	}},
	{"awake, saved soon", func(o *Observation) { o.published(); o.Template.SaveAfter = time.Minute }},
	{"awake, to be saved", func(o *Observation) {
		o.published()
		o.Template.SaveAfter = 5 * time.Second
		o.Session.ActiveSince = o.Now.Add(-time.Minute)
	}},
	{"awake for too long", func(o *Observation) {
		o.published()
		o.Session.AwakeSince, o.Template.Lifetime.Awake = o.Now.Add(-time.Hour), time.Minute
	}},
	{"asleep for too long", func(o *Observation) {
		o.drained(Asleep, ReasonAsleep)
		o.Session.PodUID, o.Session.RestSince, o.Template.Lifetime.Asleep = "", o.Now.Add(-time.Hour), time.Minute
	}},
	{"suspended, touched", func(o *Observation) {
		o.drained(Asleep, ReasonSuspended)
		o.Session.PodUID, o.Session.Touched, o.Session.Suspended = "", true, true
	}},
	{"a new Task", func(o *Observation) { o.Template.Task = true }},
	{"a Task that runs", func(o *Observation) { o.published(); o.Template.Task = true }},
	{"a Task that is put off", func(o *Observation) {
		o.drained(Asleep, ReasonRestartsLater)
		o.Session.PodUID, o.Session.RetryAt, o.Template.Task = "", o.Now.Add(time.Minute), true
	}},
	{"Permanent, idle", func(o *Observation) {
		o.published()
		o.Session.ActiveSince, o.Session.PublishedSince = o.Now.Add(-time.Hour), o.Now.Add(-time.Hour)
		o.Template.Restart.Policy = Permanent
	}},
	{"Temporary", func(o *Observation) { o.published(); o.Template.Restart.Policy = Temporary }},
	{"awake, crashed before", func(o *Observation) {
		o.published()
		o.Session.Failures, o.Session.FailingSince = DefaultRestarts, o.Now.Add(-time.Minute)
	}},
	{"completed, touched", func(o *Observation) {
		o.drained(Completed, ReasonCompleted)
		o.Session.PodUID, o.Session.Touched = "", true
	}},
	{"completed, with one to start", func(o *Observation) {
		o.drained(Completed, ReasonStartingOthers)
		o.Session.PodUID, o.Session.Starts = "", Starts{Any: true, Due: true}
	}},
	{"failed for good, touched", func(o *Observation) {
		o.drained(Failed, ReasonGaveUp)
		o.Session.PodUID, o.Session.Touched = "", true
	}},
	{"gone but for our finalizer", func(o *Observation) {
		o.drained(Asleep, ReasonAsleep)
		o.Session.PodUID = ""
		o.Session.Deleting = true
	}},
	{"deleted, a last one to start", func(o *Observation) { o.destroyed(Starts{Any: true, Due: true}) }},
	{"deleted, its last one runs", func(o *Observation) { o.destroyed(Starts{Any: true, Left: true}) }},
	{"deleted, its last one failed", func(o *Observation) { o.destroyed(Starts{Any: true, Left: true, Failed: true}) }},
	{"deleted, its last one ended", func(o *Observation) { o.destroyed(Starts{Any: true, Left: true, Done: true}) }},
	{"gone, made just now", func(o *Observation) {
		o.drained(Asleep, ReasonAsleep)
		o.Session.PodUID = ""
		o.Session.Deleting, o.Session.LetGoAt = true, o.Now.Add(time.Second)
	}},
}

// Pods are the situations of the pod of a Session: of the one that was published, else of the one that starts.
var Pods = []Situation{
	{"none", func(*Observation) {}},
	{"created", func(o *Observation) { o.pod() }},
	{"slow", func(o *Observation) { o.pod().Since = o.Now.Add(-10 * time.Second) }},
	{"too slow", func(o *Observation) { o.pod().Since = o.Now.Add(-time.Hour) }},
	{"unschedulable", func(o *Observation) {
		p := o.pod()
		p.Since, p.Trouble = o.Now.Add(-10*time.Second), Trouble{Reason: ReasonUnschedulable}
	}},
	{"image not pulled", func(o *Observation) { o.pod().Trouble = Trouble{Reason: ReasonImagePullBackOff, Fatal: true} }},
	{"running", func(o *Observation) { o.pod().Address = true }},
	{"small", func(o *Observation) { p := o.pod(); p.Small, p.Address = true, true }},
	{"cramped", func(o *Observation) { p := o.pod(); p.Stuck, p.Address = true, true }},
	{"ending", func(o *Observation) { p := o.pod(); p.Deleting, p.OverdueAt = true, o.Now.Add(forcedDrain) }},
	{"overdue", func(o *Observation) { p := o.pod(); p.Deleting, p.OverdueAt = true, o.Now.Add(-time.Second) }},
	{"ended, code 0", func(o *Observation) { o.end(ExitNormal) }},
	{"ended, code 1", func(o *Observation) { o.end(ExitAbnormal) }},
	{"killed", func(o *Observation) { o.end(ExitKilled) }},
	{"evicted", func(o *Observation) { o.end(ExitInterrupted) }},
	{"leftover", func(o *Observation) { o.pod().Mine = false }},
	{"leftover, ending", func(o *Observation) {
		p := o.pod()
		p.Mine, p.Deleting, p.OverdueAt = false, true, o.Now.Add(forcedDrain)
	}},
	{"leftover, ended", func(o *Observation) { o.end(ExitNormal); o.Pod.Mine = false }},
}

func (o *Observation) published() {
	s := &o.Session
	s.Phase, s.Reason, s.Epoch, s.Published, s.PodUID, s.Touched = Awake, ReasonServing, 1, true, "pod", true
	s.PublishedSince = o.Now.Add(-10 * time.Second)
}

func (o *Observation) beyond() {
	o.Session.Protected, o.Beyond = o.Session.Epoch > 0, "limits.sessions"
}

func (o *Observation) drained(p Phase, why Reason) {
	s := &o.Session
	s.Phase, s.Reason, s.Epoch, s.PodUID, s.Drained, s.DrainedSince = p, why, 1, "pod", true, o.Now
	s.PublishedSince = o.Now.Add(-10 * time.Second)
}

func (o *Observation) destroyed(last Starts) {
	o.drained(Stopping, ReasonDestroying)
	o.Session.PodUID, o.Session.Deleting, o.Session.Starts = "", true, last
}

func (o *Observation) pod() *Pod {
	o.Pod = &Pod{UID: "pod", Epoch: o.Session.Epoch + 1, Mine: true, Since: o.Now, Saves: true, SaveTime: 10 * time.Second}
	if o.wasPublished() {
		o.Pod.Epoch, o.Pod.Address = o.Session.Epoch, true
	}
	return o.Pod
}

func (o *Observation) end(how Exit) {
	p := o.pod()
	p.Ended, p.EndedAt, p.Exit, p.Finished = true, o.Now, how, true
}
