package mutants

// hands are the stories of a gateway on a real API server.
func hands(focus string) killer {
	return killer{pkg: "./internal/cluster", run: "^TestCluster$", focus: focus}
}

// clusterMutants are faults of a gateway's hands.
var clusterMutants = []mutant{
	{
		name: "the first caller's cancel kills the wake of all", breaks: "I4", peer: "a single flight in the first caller's context",
		file: "internal/cluster/touch.go", old: `context.WithTimeout(context.WithoutCancel(ctx), touchTimeout)`, new: `context.WithTimeout(ctx, touchTimeout)`,
		killer: hands("goes on when the one who asked first has gone"),
	},
	{
		name: "each caller wakes by itself", breaks: "I7 I8", peer: "a thundering herd at one key",
		file: "internal/cluster/wake.go", old: `version, err := w.reach(ctx, wish)`, new: `version, err := w.written(ctx, wish.ID, v1alpha1.SourceRequest)`,
		killer: hands("costs one touch, however many wait for it"),
	},
	{
		name: "a touch moves time back", breaks: "I5", peer: "a write that changes nothing",
		file: "internal/cluster/touch.go", old: `after.After(now) {`, new: `after.Before(past) {`,
		killer: killer{pkg: "./internal/cluster", run: "^TestTouchesNeverMoveBack$"},
	},
	{
		name: "an end of a session brings back what it was", breaks: "I4 I7", peer: "the body of DELETED is stored",
		file: "internal/cluster/sight.go", old: `s.to.Apply(idOf(o), directory.View{Version: version})`, new: `s.put(o, version, false)`,
		killer: hands("forgets a session that fell asleep"),
	},
	{
		name: "a list takes nothing away", breaks: "I4 I7", peer: "what vanished while the watch was cut stays for ever",
		file: "internal/cluster/sight.go", old: `if _, ok := s.listed[id]; !ok {`, new: `if _, ok := s.listed[id]; !ok && id.Name == "" {`,
		killer: hands("is whole again after the API server has forgotten the history"),
	},
	{
		name: "a list may be old", breaks: "I4", peer: "the first list of client-go's reflector",
		file: "internal/cluster/feed.go", old: `client.Continue(more));`, new: `client.Continue(more), &client.ListOptions{Raw: &metav1.ListOptions{ResourceVersion: "0"}});`,
		killer: killer{pkg: "./internal/cluster", run: "^TestAListIsNeverOld$"},
	},
	{
		name: "a new process goes on with the old one's watermark", breaks: "I4 I5",
		file: "internal/cluster/lease.go", old: `l.wanted(old, "", "")`, new: `l.wanted(old, old.Annotations[v1alpha1.AnnotationWatermark], "")`,
		killer: hands("passes from a process to the next of the same pod"),
	},
	{
		name: "two processes share a Lease", breaks: "I4",
		file: "internal/cluster/lease.go", old: "\t\treturn errTaken\n", new: "\t\t_ = errTaken\n",
		killer: hands("passes from a process to the next of the same pod"),
	},
	{
		name: "a gateway trusts its view without its Lease", breaks: "I4",
		file: "internal/cluster/freshness.go", old: `f.change(f.blind || !f.now().Before(f.renewed.Add(f.limit)))`, new: `f.change(f.blind)`,
		killer: killer{pkg: "./internal/cluster", run: "^TestFreshness$"},
	},
	{
		name: "gateway and operator differ in what is wanted", breaks: "I4 I5",
		file: "internal/cluster/view.go", old: `v.Unwanted = !s.Touched()`, new: `v.Unwanted = s.Status.Activity != nil && !s.Touched()`,
		killer: killer{pkg: "./internal/cluster", run: "^TestViewOf$"},
	},
	{
		name: "a touch during a drain is not seen", breaks: "I4 I5",
		file: "internal/cluster/view.go", old: `v.Unwanted = !s.Touched()`, new: `v.Unwanted = true`,
		killer: killer{pkg: "./internal/cluster", run: "^TestViewOf$"},
	},
	{
		name: "what a workload said is known to one gateway", breaks: "I5", peer: "a heartbeat that one replica heard",
		file: "internal/cluster/view.go", old: `v.Word = wordOf(a)`, new: `_ = wordOf(a)`,
		killer: hands("is written with a touch of its own, carried on by other gateways"),
	},
	{
		name: "any key makes a Session", breaks: "I8", peer: "a crawler makes objects",
		file: "internal/cluster/wake.go", old: `if !wish.Create {`, new: `if _, err := w.create(ctx, wish); err == nil && !wish.Create {`,
		killer: hands("of a key without a Session is refused"),
	},
	{
		name: "Sessions are made beyond limits.sessions", breaks: "I8", peer: "unbounded keys",
		file: "internal/cluster/templates.go", old: `if k.limit != nil && k.counted+k.created >= *k.limit {`, new: `if false {`,
		killer: killer{pkg: "./internal/cluster", run: "^TestReserve$"},
	},
	{
		name: "a minute's tokens come at once, each second", breaks: "I8", peer: "unbounded keys",
		file: "internal/cluster/bucket.go", old: `; missing > 0 {`, new: `; missing > float64(perMinute) {`,
		killer: killer{pkg: "./internal/cluster", run: "^TestBucket$"},
	},
	{
		name: "a wake that has just failed is tried by each request", breaks: "I8", peer: "no negative cache",
		file: "internal/cluster/wake.go", old: `case v.State == directory.Failed && !v.Failure.Over(w.now()):`, new: `case false:`,
		killer: killer{pkg: "./internal/cluster", run: "^TestAFailureIsToldUntilItsTime$"},
	},
}
