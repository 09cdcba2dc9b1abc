package mutants

// pageMutants are faults of what browsers are shown.
var pageMutants = []mutant{
	{
		name: "a browser is held as long as any client", peer: "an empty tab until the cold start is over",
		file: "internal/gateway/road.go", old: `true, min(t.Patience, pagePatience)`, new: `true, max(t.Patience, pagePatience)`,
		killer: road("^TestBrowserIsShownAPageWhileASessionWakes$"),
	},
	{
		name: "a script is given a page", peer: "an API client gets a waiting page for its answer",
		file: "internal/gateway/answer/negotiate.go", old: `return mode == "navigate"`, new: `return mode != ""`,
		killer: road("^TestFormOfAnAnswer$"),
	},
	{
		name: "a form that is sent is given a page, and sent again by it", breaks: "I4",
		file: "internal/gateway/answer/negotiate.go", old: `r.Method != http.MethodGet && r.Method != http.MethodHead || websocket.Asked(r)`, new: `websocket.Asked(r)`,
		killer: road("^TestFormOfAnAnswer$"),
	},
	{
		name: "a stream wakes what its request would let sleep", breaks: "I8",
		file: "internal/gateway/progress.go", old: `if err == nil && t.Quiet != nil {`, new: `if err == nil && t.Quiet != nil && of == "" {`,
		killer: road("^TestStreamIsResolvedAsARequest$"),
	},
	{
		name: "a page that nobody follows any more keeps its session wanted", breaks: "I8",
		file: "internal/gateway/progress.go", old: `context.WithCancel(r.Context())`, new: `context.WithCancel(context.WithoutCancel(r.Context()))`,
		killer: road("^TestStreamsAreBounded$"),
	},
	{
		name: "a gateway that stops waits for its pages", peer: "streams are cut at each roll-out",
		file: "internal/gateway/progress.go", old: `case <-g.upgrades.closing():`, new: `case <-chan struct{}(nil):`,
		killer: road("^TestStreamEnds$"),
	},
	{
		name: "a page says nothing of what it waits for", peer: "a spinner, whatever is wrong",
		file: "internal/gateway/page.go", old: `p.Cause, p.Detail, p.Limit = v.Delay.Reason, v.Delay.For, v.Queued`, new: `p.Limit = v.Queued`,
		killer: road("^(TestProgressIsToldInOrder|TestPageSaysWhatIsWaitedFor)$"),
	},
}
