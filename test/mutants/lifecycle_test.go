package mutants

// laws are those of the lifecycle, over every combination of what can be observed.
var laws = killer{pkg: "./internal/lifecycle", run: "^TestLaws$"}

// lifecycleMutants are faults of the decision.
var lifecycleMutants = []mutant{
	{
		name: "a pod is stopped before the watermark", breaks: "I4 I5",
		file: "internal/lifecycle/serving.go", old: `case !o.Sight:`, new: `case false:`, killer: laws,
	},
	{
		name: "state is saved before the drain", breaks: "I5",
		file: "internal/lifecycle/serving.go", old: `case !o.Sight:`, new: `case !o.Sight && !o.mustSave():`, killer: laws,
	},
	{
		name: "a save that failed will do", breaks: "I5",
		file: "internal/lifecycle/serving.go", old: `if !o.Pod.Saves || o.Save.Done {`, new: `if !o.Pod.Saves || o.Save.Done || o.Save.Failed {`, killer: laws,
	},
	{
		name: "one that serves is saved again and again", breaks: "I7",
		file: "internal/lifecycle/flushing.go", old: `!o.Save.Running && !o.Save.Done`, new: `!o.Save.Running`, killer: laws,
	},
	{
		name: "one that says itself when it is idle is saved while it is needed", breaks: "I5",
		file: "internal/lifecycle/flushing.go", old: `quiet = max(quiet, *said)`, new: `quiet = min(quiet, *said)`,
		killer: killer{pkg: "./internal/lifecycle", run: "^TestSavedByTheWordOfTheWorkload$"},
	},
	{
		name: "no demand takes a drain back", breaks: "I5",
		file: "internal/lifecycle/serving.go", old: `case o.wanted() && !o.Session.Forced:`, new: `case false:`, killer: laws,
	},
	{
		name: "a drain by force is taken back", breaks: "I6",
		file: "internal/lifecycle/serving.go", old: `case o.wanted() && !o.Session.Forced:`, new: `case o.Session.Touched:`, killer: laws,
	},
	{
		name: "a clock is asked during the drain", breaks: "I4 I5", peer: "gateway and operator judge by two clocks",
		file: "internal/lifecycle/observation.go", old: "\tcase o.Session.Published:\n", new: "\tcase o.wasPublished():\n",
		killer: laws,
	},
	{
		name: "a touch begins the idle time, and the publication does not", breaks: "I4", peer: "a slow start is asleep before its first request",
		file: "internal/lifecycle/observation.go", old: `later(o.Session.ActiveSince, o.Session.PublishedSince)`, new: `o.Session.ActiveSince`,
		killer: laws,
	},
	{
		name: "a busy workload is idle", breaks: "I5", peer: "what works after its reply is taken for idle",
		file: "internal/lifecycle/observation.go", old: `.Add(d), o.Session.BusyUntil)`, new: `.Add(d), o.Session.PublishedSince)`, killer: laws,
	},
	{
		name: "a finalizer comes off too early", breaks: "I2", peer: "a forced delete frees the name while the process runs",
		file: "internal/lifecycle/ending.go", old: `case !o.Pod.Ended:`, new: `case false:`, killer: laws,
	},
	{
		name: "a pod is adopted by its name", breaks: "I1 I2", peer: "the same name made again is taken for the old one",
		file: "internal/lifecycle/observation.go", old: `if o.Pod == nil || !o.Pod.Mine {`, new: `if o.Pod == nil {`,
		killer: laws,
	},
	{
		name: "a pod of an epoch that was is published", breaks: "I3",
		file: "internal/lifecycle/observation.go", old: `return o.Pod.Epoch == o.Session.Epoch+1`, new: `return o.Pod.Epoch <= o.Session.Epoch+1`,
		killer: endOf("a late former leader made"),
	},
	{
		name: "a pod is made before its Session has our finalizer", breaks: "I6",
		file: "internal/lifecycle/starting.go", old: `case !o.Session.Protected:`, new: `case false:`, killer: laws,
	},
	{
		name: "a deleted Session is let go with its pod", breaks: "I6",
		file: "internal/lifecycle/ending.go", old: `	case o.Pod == nil:
		return o.letGo(), true`, new: `	case o.Session.Protected:
		return o.letGo(), true`, killer: laws,
	},
	{
		name: "a pod is made beyond the limits", breaks: "I8",
		file: "internal/lifecycle/starting.go", old: `case !o.Slot:`, new: `case false:`, killer: laws,
	},
	{
		name: "a failed start has no back-off", breaks: "I8",
		file: "internal/lifecycle/starting.go", old: `if o.Now.Before(o.Session.RetryAt) && (`, new: `if false && (`, killer: laws,
	},
	{
		name: "an eviction counts as a failure", peer: "a drained node uses up the restarts",
		file: "internal/lifecycle/outcome.go", old: "\tif exit == ExitInterrupted {", new: "\tif false {", killer: laws,
	},
	{
		name: "a Task that is put off starts at once", peer: "a poll that never pauses",
		file: "internal/lifecycle/outcome.go", old: `RetryAt: o.Now.Add(after)}`, new: `RetryAt: o.Now}`,
		killer: killer{pkg: "./internal/lifecycle", run: "^TestAnEndCanPutTheNextPodOff$"},
	},
	{
		name: "who is needed makes room", breaks: "I8",
		file: "internal/lifecycle/full.go", old: `max(o.idleAfter()/2, surelyIdle)`, new: `surelyIdle`, killer: laws,
	},
	{
		name: "a deadline is looked at late", peer: "a constant requeue",
		file: "internal/lifecycle/step.go", old: `if d := at.Sub(now); d > 0 &&`, new: `if d := at.Sub(now) + 1; d > 1 &&`, killer: laws,
	},
	{
		name: "a sleeping session is looked at each minute", breaks: "I7", peer: "a constant requeue",
		file: "internal/lifecycle/starting.go", old: `return o.resting(o.rest()), true`, new: `return o.resting(o.rest()).until(o.Now, o.Now.Add(DefaultWakeTimeout)), true`, killer: laws,
	},
}
