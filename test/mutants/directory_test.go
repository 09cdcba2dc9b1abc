package mutants

// directoryMutants are faults of a gateway's memory.
var directoryMutants = []mutant{
	{
		name: "a request counts when it is sent, not from the look-up on", breaks: "I4",
		file: "internal/directory/directory.go", old: "\te.requests++\n", new: "\tgo func() { s.mu.Lock(); e.requests++; s.mu.Unlock() }()\n",
		killer: memory("^TestVisitBeforeUnpublishIsUnsettled$"),
	},
	{
		name: "a touch of one session is news of all", breaks: "I4", peer: "one version for many objects",
		file: "internal/directory/entry.go", old: `if version <= d.sight.mark() {`, new: `if version > 0 {`,
		killer: memory("^TestATouchIsNoNewsOfOthers$"),
	},
	{
		name: "the watermark passes before the touch is in", breaks: "I4 I5",
		file: "internal/directory/settle.go", old: `e.inFlight() == 0 {`, new: `e.inFlight() == 0 || e.asked {`,
		killer: memory("^TestATouchUnderWaySettlesNothing$"),
	},
	{
		name: "a gateway vouches with requests in flight", breaks: "I4 I5",
		file: "internal/directory/settle.go", old: `e.inFlight() == 0 {`, new: `true {`,
		killer: memory("^TestVisitBeforeUnpublishIsUnsettled$"),
	},
	{
		name: "more is vouched for than the list holds", breaks: "I4",
		file: "internal/directory/settle.go", old: `watermark = min(watermark, debts[most].version-1)`, new: `_ = watermark`,
		killer: memory("^TestSightHoldsBack$"),
	},
	{
		name: "an old answer settles", breaks: "I4", peer: "events out of order",
		file: "internal/directory/entry.go", old: `if v.Version <= e.view.Version {`, new: `if false {`,
		killer: memory("^TestOldAnswerSettlesNothing$"),
	},
	{
		name: "an older epoch takes the place of a newer one", breaks: "I3 I4", peer: "events out of order",
		file: "internal/directory/entry.go", old: `return v.State == Absent || v.UID != e.uid || v.Epoch >= e.epoch`, new: `return true`,
		killer: memory("^TestAnOlderEpochNeverComesBack$"),
	},
	{
		name: "a request is counted twice when it leaves twice", breaks: "I4",
		file: "internal/directory/visit.go", old: "\tif v.left {\n", new: "\tif false {\n",
		killer: memory("^TestSettledByTheEndOfTheRequest$|^TestDirectoryKeepsItsLaws$"),
	},
	{
		name: "the requests of an epoch that is over count in the next", breaks: "I7",
		file: "internal/directory/entry.go", old: `e.requests, e.conns, e.parting = 0, 0, 0`, new: `_ = e.requests`,
		killer: memory("^TestOpenConnections$"),
	},
	{
		name: "an open connection is idle", breaks: "I4", peer: "a WebSocket cut while it was in use",
		file: "internal/directory/visit.go", old: "\t\te.conns++\n", new: "\t\t_ = e.conns\n",
		killer: memory("^TestOpenConnections$"),
	},
	{
		name: "a ping is activity", breaks: "I7", peer: "an open browser tab keeps it awake for ever",
		file: "internal/directory/visit.go", old: `v.counts = e.view.Counts`, new: `v.counts = true`,
		killer: memory("^TestOpenConnections$"),
	},
	{
		name: "each request is a write", breaks: "I7", peer: "an RPC per request",
		file: "internal/directory/directory.go", old: `if e.rested {`, new: `if true {`,
		killer: memory("^TestOneRequestCostsNoTouchAfterItsWake$"),
	},
	{
		name: "a touch comes at the edge only", breaks: "I4 I5", peer: "one long request, and it is asleep",
		file: "internal/directory/pace.go", old: `return e.busy() || e.mustSpeak(now)`, new: `return e.mustSpeak(now)`,
		killer: memory("^TestBusySessionIsTouchedEachThird$"),
	},
	{
		name: "the end of a busy stretch is not told", breaks: "I4",
		file: "internal/directory/pace.go", old: ` || e.pace.needed.After(lately)`, new: ` || lately.After(now)`,
		killer: memory("^TestUsedSessionStaysAwake$"),
	},
	{
		name: "all gateways touch at one instant", breaks: "I7",
		file: "internal/directory/pace.go", old: `(1 - jitter*rand.Float64())`, new: `(1 - 0*rand.Float64())`,
		killer: memory("^TestTouchesOfGatewaysMeetSeldom$"),
	},
	{
		name: "a touch that failed is forgotten", breaks: "I4 I5",
		file: "internal/directory/apply.go", old: "\t\te.word.miss()\n\t\td.rest(e, retryAfter)\n", new: "\t\te.word.miss()\n",
		killer: memory("^TestMissedTouchComesAgain$"),
	},
	{
		name: "a pod is dialled after it was unpublished", breaks: "I4", peer: "the address belongs to another tenant by now",
		file: "internal/directory/addresses.go", old: `delete(a.pods, old.Pod.UID)`, new: `_ = old`,
		killer: memory("^TestAddressOnlyWhilePublished$"),
	},
	{
		name: "a gateway that is cut off dials on", breaks: "I4", peer: "the address belongs to another tenant by now",
		file: "internal/directory/directory.go", old: `if d.stale.Load() {`, new: `if false {`,
		killer: memory("^TestAddressOnlyWhilePublished$"),
	},
	{
		name: "a pod is stopped while its connections still end", breaks: "I4 I5",
		file: "internal/directory/entry.go", old: `return e.requests + e.conns + e.parting }`, new: `return e.requests + e.conns }`,
		killer: memory("^TestConnectionThatParts$"),
	},
	{
		name: "a connection that ends in order takes the sleep back", breaks: "I7",
		file: "internal/directory/entry.go", old: `return e.requests+e.conns+e.waiting > 0 }`, new: `return e.requests+e.conns+e.parting+e.waiting > 0 }`,
		killer: memory("^TestPartingEndsWithTheEpoch$"),
	},
	{
		name: "a sleeping session is remembered", breaks: "I7", peer: "memory that grows with the keys ever seen",
		file: "internal/directory/entry.go", old: `delete(s.entries, e.id)`, new: `_ = e.id`,
		killer: memory("^TestAddressOnlyWhilePublished$"),
	},
}

func memory(run string) killer { return killer{pkg: "./internal/directory", run: run} }
