package mutants

// routeMutants are faults of who has a request, and of what a client or a session may do to others on the way.
var routeMutants = []mutant{
	{
		name: "a byte now and then keeps a connection", peer: "each read moves the deadline",
		file: "internal/gateway/pace.go", old: `if w.moved >= p.share {`, new: `if n > 0 {`,
		killer: road("^TestMinimumRate$"),
	},
	{
		name: "a cookie is for all sessions of a domain", peer: "Set-Cookie with a wider Domain passes",
		file: "internal/gateway/cookies.go", old: `if domain != "" && domain != host && `, new: `if domain == "*" && `,
		killer: road("^TestCookiesOfASessionStayThere$"),
	},
	{
		name: "a hint sets a cookie for all sessions of a domain", peer: "only the answer is looked at, and not what comes before it",
		file: "internal/gateway/interim.go", old: `x.confine(from)`, new: `_ = x.confine`,
		killer: road("^TestHeaderBeforeTheAnswer$"),
	},
	{
		name: "a pod says for ever that its answer is to come", breaks: "I8", peer: "answers of 1xx that nobody counts",
		file: "internal/h1/exchange.go", old: `if n == MostInformed {`, new: `if n < 0 {`,
		killer: wire("^TestAnswersThatAreNone$"),
	},
	{
		name: "the same, where net/http hears it", breaks: "I8", peer: "httputil's hook takes net/http's own bound away",
		file: "internal/gateway/interim.go", old: `i.n > h1.MostInformed`, new: `i.n < 0`,
		killer: road("^TestAnswersBeforeTheAnswerAreBounded$"),
	},
	{
		name: "a pod sees the gateway's credential", peer: "each cookie is forwarded",
		file: "internal/gateway/hygiene.go", old: `keepCookies(pr.Out.Header)`, new: `_ = keepCookies`,
		killer: road("^TestPodSeesNoCookieOfTheGateway$"),
	},
	{
		name: "any page opens a WebSocket by cookie", peer: "a foreign Origin is forwarded",
		file: "internal/gateway/resolve/resolve.go", old: `&& !proxies.OwnPage(r)`, new: `&& r == nil`,
		killer: road("^TestForeignPageOpensNoWebSocketByCookie$"),
	},
	{
		name: "a parameter has a twin in another spelling", breaks: "I1 I4", peer: "two proxies read two parameters",
		file: "internal/gateway/resolve/pairs.go", old: `name, err := url.QueryUnescape(raw)`, new: `name, err := raw, error(nil)`,
		killer: road("^TestKeyThatCouldBeTwoIsRefused$"),
	},
	{
		name: "a semicolon is a part of a key", breaks: "I1 I4", peer: "some servers end a parameter there",
		file: "internal/gateway/resolve/pairs.go", old: `case p == inQuery && strings.Contains(raw, ";"):`, new: `case false:`,
		killer: road("^TestKeyThatCouldBeTwoIsRefused$"),
	},
	{
		name: "what is around a key in its label overlaps", breaks: "I1 I4",
		file: "internal/gateway/resolve/index.go", old: `if len(label) <= shape.head+shape.tail {`, new: `if len(label) < shape.head {`,
		killer: road("^TestKeyThatCouldBeTwoIsRefused$"),
	},
	{
		name: "half an upgrade is forwarded", peer: "HTTP2-Settings without its Connection passes",
		file: "internal/gateway/hygiene.go", old: `, "Http2-Settings",`, new: `,`,
		killer: road("^TestOtherUpgradesAreStripped$"),
	},
	{
		name: "the younger template believes it has the route", peer: "the older one wins, and nobody is told",
		file: "internal/route/route.go", old: `if Compare(other, t) < 0 && `, new: `if Compare(other, t) > 0 && `,
		killer: killer{pkg: "./internal/route", run: "^TestTaken"},
	},
	{
		name: "a wider route is not seen to take a narrower one", peer: "only the same route is told",
		file: "internal/route/route.go", old: `return strings.HasPrefix(rPrefix, aPrefix)`, new: `return rPrefix == aPrefix`,
		killer: killer{pkg: "./internal/route", run: "^TestTaken"},
	},
}
