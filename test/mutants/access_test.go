package mutants

// accessMutants are faults in who is let in, and how much.
var accessMutants = []mutant{
	{
		name: "a session made again is served to its former owner", peer: "who may is looked up before the wait, and not after",
		file: "internal/gateway/wish.go", old: `if !ok || t.Access == nil {`, new: `if true {`,
		killer: road("^TestAnotherOwnersPodIsNotSeen$"),
	},
	{
		name: "who may not still wakes", breaks: "I8", peer: "the authorizer stands behind the activator",
		file: "internal/gateway/wish.go", old: `return w, permit(t, t.Caller, s, access.Wake)`, new: `return w, nil`,
		killer: road("^TestOwner$|^TestWhoMayNotDoesNotWake$"),
	},
	{
		name: "who may not keeps it awake", breaks: "I8", peer: "denied requests count as traffic",
		file: "internal/gateway/road.go", old: "if err := g.barred(t); err != nil {", new: "if err := g.barred(t); err != nil && g == nil {",
		killer: road("^TestWhoIsBarredLeavesNoTrace$"),
	},
	{
		name: "the pod sees the credential", peer: "a tenant's code collects its users' tokens",
		file: "internal/gateway/identify.go", old: `r.Header.Del("Authorization")`, new: `_ = r`,
		killer: road("^TestWhoMayIsServed$"),
	},
	{
		name: "the pod sees the cookie of plain HTTP", peer: "a tenant's code collects its users' tokens",
		file: "internal/gateway/cookies.go", old: `return name == plainCookie || len(name)`, new: `return len(name)`,
		killer: road("^TestCredentialsAreNotForwarded$"),
	},
	{
		name: "any page uses the cookie", peer: "cross-site WebSocket hijacking",
		file: "internal/gateway/identify.go", old: `if p.from == fromCookie && !fromOwnPage(r) {`, new: `if false {`,
		killer: road("^TestForeignOriginWithCookie$"),
	},
	{
		name: "a redirect leaves the host", peer: "an open redirect by two slashes",
		file: "internal/gateway/identify.go", old: `path = "/." + path`, new: `_ = path`,
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
