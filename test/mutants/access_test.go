package mutants

// accessMutants are faults in who is let in, and how much.
var accessMutants = []mutant{
	{
		name: "each bad token costs a review", breaks: "I8", peer: "a flood of tokens is a flood of TokenReviews",
		file: "internal/cluster/reviewer.go", old: `if from.IsValid() {`, new: `if false {`,
		killer: hands("costs no more reviews than an address may have"),
	},
	{
		name: "one pod that makes up tokens uses up the reviews of all", breaks: "I8", peer: "a flood of tokens is a flood of TokenReviews",
		file: "internal/cluster/review.go", old: `r.review(ctx, token, hash, from)`, new: `r.review(ctx, token, hash, map[bool]netip.Addr{true: from}[false])`,
		killer: hands("is let in while another makes up tokens"),
	},
	{
		name: "a caller has RBAC asked of ever other sessions", breaks: "I8", peer: "a flood of sessions is a flood of SubjectAccessReviews",
		file: "internal/cluster/tokens.go", old: `t.askers.Take(g.caller, questionsPerCaller, now)`, new: `t.askers.Take(g.caller+g.at.Name, questionsPerCaller, now)`,
		killer: killer{pkg: "./internal/cluster", run: "^TestOneCallerAsksNoMoreOfRBAC$"},
	},
	{
		name: "what was allowed is not asked again, because others ask", breaks: "I8",
		file: "internal/cluster/tokens.go", old: `if t.allowed.Contains(g) {`, new: `if false {`,
		killer: killer{pkg: "./internal/cluster", run: "^TestAllCallersTogetherAskNoMoreOfRBAC$"},
	},
	{
		name: "a forged token is checked for each template", breaks: "I8", peer: "a flood of signatures",
		file: "internal/access/claim.go", old: `if done, ok := c[i.keyring]; ok {`, new: `if done, ok := c[i.keyring]; ok && i == nil {`,
		killer: killer{pkg: "./internal/access", run: "^TestASignatureIsCheckedOnceWithTheSameKeys$"},
	},
	{
		name: "one address takes all raw connections", breaks: "I8",
		file: "internal/gateway/front/limit.go", old: `return counted.Conn, counted.count()`, new: `return counted.Conn, counted != nil`,
		killer: road("^TestRawConnectionsPerClient$"),
	},
	{
		name: "a raw client that has gone keeps its session awake", breaks: "I8", peer: "half a connection that nobody watches",
		file: "internal/gateway/rawtcp/pass.go", old: `if socket.Read(failed) == nil {`, new: `if socket.Read(failed) == nil && done == nil {`,
		killer: road("^TestRawClientThatIsGoneBehindItsHalf$"),
	},
	{
		name: "all clients of raw TCP are one", breaks: "I8", peer: "one bucket for all clients",
		file: "internal/gateway/rawroad.go", old: `RemoteAddr: client,`, new: `RemoteAddr: client[:0],`,
		killer: road("^TestRawWakesPerClient$"),
	},
	{
		name: "a token of the cluster outlives itself", peer: "a cache of verdicts that knows no expiry",
		file: "internal/cluster/reviewer.go", old: `|| outlived(token, r.now())`, new: `|| outlived(token, time.Time{})`,
		killer: hands("is taken until it expires, whatever is remembered of it"),
	},
	{
		name: "a token says where a request goes that names another key", breaks: "I4", peer: "who holds a token is sent to another's session",
		file: "internal/gateway/resolve/resolve.go", old: "\tif !ok {\n\t\tvar err error\n",
		new:    "\tif other, err := ix.byClaim(r, path, t.Now); err == nil {\n\t\tm = other\n\t} else if !ok {\n\t\tvar err error\n",
		killer: road("^TestKeyInAClaim$"),
	},
	{
		name: "a client says that it has come over TLS", peer: "X-Forwarded-Proto is taken from anybody",
		file: "internal/gateway/front/scheme.go", old: `said[0] == "https" && p.sent(r)`, new: `said[0] == "https"`,
		killer: killer{pkg: "./internal/gateway/front", run: "^TestSchemeAndOwnPage$"},
	},
	{
		name: "a WebSocket outlives the token that opened it", peer: "sessions that never log out",
		file: "internal/gateway/upgrade.go", old: `!until.IsZero()`, new: `until.Year() == 1`,
		killer: road("^TestWebSocketEndsWithItsToken$"),
	},
	{
		name: "a raw connection reaches another pod", breaks: "I4",
		file: "internal/gateway/rawpod.go", old: "ps.askBeside(ctx, p, to.Address, ask); err != nil {", new: "ps.askBeside(ctx, p, to.Address, ask); err != nil && ps == nil {",
		killer: road("^TestIdentityOfARawConnection$"),
	},
	{
		name: "a session made again is served to its former owner", peer: "who may is looked up before the wait, and not after",
		file: "internal/gateway/enter.go", old: `if !ok || t.Access == nil {`, new: `if true {`,
		killer: road("^TestAnotherOwnersPodIsNotSeen$"),
	},
	{
		name: "who may not still wakes", breaks: "I8", peer: "the authorizer stands behind the activator",
		file: "internal/gateway/admission/wish.go", old: `return w, Permit(t, t.Caller, s, access.Wake)`, new: `return w, nil`,
		killer: road("^TestOwner$|^TestWhoMayNotDoesNotWake$"),
	},
	{
		name: "who may not keeps it awake", breaks: "I8", peer: "denied requests count as traffic",
		file: "internal/gateway/road.go", old: "if err := g.Barred(t); err != nil {", new: "if err := g.Barred(t); err != nil && g == nil {",
		killer: road("^TestWhoIsBarredLeavesNoTrace$"),
	},
	{
		name: "the pod sees the credential", peer: "a tenant's code collects its users' tokens",
		file: "internal/gateway/admission/identify.go", old: `r.Header.Del("Authorization")`, new: `_ = r`,
		killer: road("^TestWhoMayIsServed$"),
	},
	{
		name: "the pod sees the cookie of plain HTTP", peer: "a tenant's code collects its users' tokens",
		file: "internal/gateway/cookies.go", old: `return name == admission.PlainCookie || len(name)`, new: `return len(name)`,
		killer: road("^TestCredentialsAreNotForwarded$"),
	},
	{
		name: "a client says who it is, where a proxy does", breaks: "I8", peer: "the first address of X-Forwarded-For",
		file: "internal/gateway/front/client.go", old: `for said != "" && within(hop, f) {`, new: `for said != "" {`,
		killer: killer{pkg: "./internal/gateway/front", run: "^TestForwarders$"},
	},
	{
		name: "any page uses the cookie", peer: "cross-site WebSocket hijacking",
		file: "internal/gateway/admission/identify.go", old: `if p.from == fromCookie && g.Foreign(r) {`, new: `if false {`,
		killer: road("^TestForeignOriginWithCookie$"),
	},
	{
		name: "a redirect leaves the host", peer: "an open redirect by two slashes",
		file: "internal/gateway/admission/identify.go", old: `path = "/." + path`, new: `_ = path`,
		killer: road("^TestTokenInURLBecomesACookie$"),
	},
	{
		name: "a token may say who has signed it with what", peer: "HS256 with the public key, and none",
		file: "internal/access/jwt.go", old: `jwt.ParseSigned(token, i.algorithms)`, new: `jwt.ParseSigned(token, append(i.algorithms, "HS256", "none"))`,
		killer: killer{pkg: "./internal/access", run: "^TestJWT$"},
	},
	{
		name: "a token never expires", peer: "exp is checked only where it is there",
		file: "internal/access/jwt.go", old: `if std.Expiry == nil {`, new: `if false {`,
		killer: killer{pkg: "./internal/access", run: "^TestJWT$"},
	},
	{
		name: "a token of ours is good for any session", peer: "one tenant's link opens another's session",
		file: "internal/access/capability.go", old: `if c.Namespace != at.Namespace || c.Session != at.Name {`, new: `if false {`,
		killer: killer{pkg: "./internal/access", run: "^TestCapability$"},
	},
	{
		name: "a flood of names is a flood of tokens", breaks: "I8", peer: "a limiter that forgets fails open",
		file: "internal/throttle/throttle.go", old: `if now.Before(e.lossy) {`, new: `if false {`,
		killer: killer{pkg: "./internal/throttle", run: "^TestForgottenBucketsFailClosed$"},
	},
	{
		name: "one who took a session for a new one touches another's", breaks: "I8", peer: "a race between the check and the write",
		file: "internal/cluster/look.go", old: "\tif wish.New {\n", new: "\tif wish.New = false; wish.New {\n",
		killer: hands("is not changed, nor is the session woken, by one who took it for a new one"),
	},
	{
		name: "a tenant spends what is another's", breaks: "I8", peer: "one bucket for all tenants",
		file: "internal/cluster/paces.go", old: `account{template, wish.Tenant}`, new: `account{template, ""}`,
		killer: hands("of one tenant makes no more sessions than its limit"),
	},
}
