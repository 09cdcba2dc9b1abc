package mutants

// gatewayMutants are faults of the road. Most are what a plain reverse proxy does.
var gatewayMutants = []mutant{
	{
		name: "who waits is cut off when the gateway ends", breaks: "I4",
		file: "internal/gateway/server.go", old: `defer s.Gateway.lastCall(timeout)()`, new: `_ = s.Gateway.lastCall`,
		killer: road("^TestWhoWaitsIsAnsweredBeforeTheEnd$"),
	},
	{
		name: "a request is sent again after it was written", breaks: "I4", peer: "net/http replays a GET on a dead connection",
		file: "internal/gateway/forward.go", old: `case x.unwritten(err) && !x.body.touched():`, new: `case !x.body.touched():`,
		killer: road("^TestNoReplay$"),
	},
	{
		name: "a request that the pod broke off is sent again", breaks: "I4", peer: "one byte of another request on the same connection says nothing",
		file: "internal/gateway/h2c.go", old: `errors.As(err, &stream) && stream.Code == http2.ErrCodeRefusedStream`, new: `errors.As(err, &stream)`,
		killer: road("^TestOnlyTheRefusedIsSentAgain$"),
	},
	{
		name: "shared connections of a pod that is gone stay", breaks: "I4",
		file: "internal/gateway/h2c.go", old: `if p.gone || l.http.Available() == 0 {`, new: `if l.http.Available() == 0 {`,
		killer: road("^TestSharedLinkOfAPodThatIsGone$"),
	},
	{
		name: "a request is sent again for ever", breaks: "I8",
		file: "internal/gateway/road.go", old: `for range maxSends {`, new: `for range 100 * maxSends {`,
		killer: road("^TestOnlyTheUnwrittenIsSentAgain$"),
	},
	{
		name: "a connection that was closed while it was idle is used", breaks: "I4",
		file: "internal/gateway/look.go", old: `l.open = errors.Is(err, syscall.EAGAIN)`, new: `l.open = err == nil || errors.Is(err, syscall.EAGAIN)`,
		killer: road("^TestHungUp$"),
	},
	{
		name: "connections are pooled by address", breaks: "I4", peer: "the address belongs to another tenant by now",
		file: "internal/gateway/pods.go", old: "\tp := ps.byUID[uid]\n\tif p == nil {\n\t\tp = ps.add(uid, ready)\n\t}\n",
		new: "\tat, _ := ps.address(uid)\n\tsame := at.Address + string(rune(at.Port))\n" +
			"\tp := ps.byUID[same]\n\tif p == nil {\n\t\tp = ps.add(same, ready)\n\t}\n\tp.uid = uid\n",
		killer: road("^TestConnectionsBelongToOnePod$"),
	},
	{
		name: "an address is good once it was looked up", breaks: "I4", peer: "the address belongs to another tenant by now",
		file: "internal/gateway/rawpod.go", old: "\tif !ok {\n", new: "\tif !ok && to.Port == 0 {\n",
		killer: road("^TestDialOnlyWhilePublished$"),
	},
	{
		name: "a pod is not asked who it is", breaks: "I4", peer: "the address belongs to another tenant by now",
		file: "internal/gateway/connect.go", old: `if err != nil || identity == "" {`, new: `if l != nil || identity == "" {`,
		killer: road("^TestAddressOfAnotherPod$"),
	},
	{
		name: "any pod that answers is the right one", breaks: "I4", peer: "the address belongs to another tenant by now",
		file: "internal/gateway/identity.go", old: ` || strings.TrimSpace(string(body)) != l.pod.uid {`, new: ` || strings.TrimSpace(string(body)) == "" {`,
		killer: road("^TestAddressOfAnotherPod$|^TestWrongIdentity$"),
	},
	{
		name: "connections of a pod that is gone stay", breaks: "I4",
		file: "internal/gateway/pods.go", old: `if p.gone || len(p.idle) >= maxIdle {`, new: `if len(p.idle) >= maxIdle {`,
		killer: road("^TestLinksOfAPodThatIsGone$"),
	},
	{
		name: "a pod that starts is asked once a second", peer: "a readiness probe ticks in whole seconds",
		file: "internal/gateway/connect.go", old: `maxPause   = 10 * time.Millisecond`, new: `maxPause   = time.Second`,
		killer: road("^TestDialUntilThePortOpens$"),
	},
	{
		name: "what a client says of itself is forwarded", peer: "X-Forwarded-* and X-Real-IP of a client pass",
		file: "internal/gateway/hygiene.go", old: `return isReserved(name) || `, new: `return `,
		killer: road("^TestTrustedHeadersAreOurs$"),
	},
	{
		name: "the underscore twin of a trusted header is forwarded", peer: "X_Gw_Key is forwarded",
		file: "internal/gateway/hygiene.go", old: ` || strings.Contains(name, "_") }`, new: ` }`,
		killer: road("^TestTrustedHeadersAreOurs$"),
	},
	{
		name: "CONNECT and TRACE reach a pod", peer: "CONNECT and TRACE are forwarded",
		file: "internal/gateway/hygiene.go", old: `if r.Method == http.MethodConnect || r.Method == http.MethodTrace {`, new: `if r == nil {`,
		killer: road("^TestRefusedBeforeAnySession$"),
	},
	{
		name: "an upgrade to h2c is forwarded", peer: "any upgrade is forwarded",
		file: "internal/gateway/forward.go", old: `x.in.Header.Del("Upgrade")`, new: `_ = x.in`,
		killer: road("^TestOtherUpgradesAreStripped$"),
	},
	{
		name: "a pod upgrades unasked", breaks: "I4",
		file: "internal/gateway/forward.go", old: `if !x.asked || !websocket.Joined(res) {`, new: `if false {`,
		killer: road("^TestPodCannotUpgradeUnasked$"),
	},
	{
		name: "a query that nobody can parse is lost", peer: "?a=1;b=2 is dropped",
		file: "internal/gateway/hygiene.go", old: `RawQuery: in.RawQuery`, new: `RawQuery: in.Query().Encode()`,
		killer: road("^TestPathAndQueryAreVerbatim$"),
	},
	{
		name: "a path is encoded anew", peer: "/a%2fb arrives as /a/b",
		file: "internal/gateway/hygiene.go", old: `Opaque: path, RawQuery`, new: `Opaque: strings.ReplaceAll(path, "%2f", "/"), RawQuery`,
		killer: road("^TestPathAndQueryAreVerbatim$"),
	},
	{
		name: "a path of ours reaches a pod", peer: "admin on the data port",
		file: "internal/gateway/wellknown.go", old: `case !strings.HasPrefix(r.URL.Path, WellKnown):`, new: `case r.URL.Path != HealthPath || !strings.HasPrefix(r.URL.Path, WellKnown):`,
		killer: road("^TestRefusedBeforeAnySession$"),
	},
	{
		name: "a dot segment is a key", breaks: "I1 I4", peer: "/a/../../b is forwarded verbatim",
		file: "internal/gateway/resolve/pairs.go", old: `case p == inPath && (k == "." || k == ".."):`, new: `case false:`,
		killer: road("^TestRefusedBeforeAnySession$"),
	},
	{
		name: "an encoded slash is part of a key", breaks: "I1 I4", peer: "b%2f..%2fc is forwarded verbatim",
		file: "internal/gateway/resolve/pairs.go", old: `case p == inPath && strings.Contains(k, "/"):`, new: `case false:`,
		killer: road("^TestRefusedBeforeAnySession$"),
	},
	{
		name: "the first of two keys wins", breaks: "I4", peer: "two proxies read two headers",
		file: "internal/gateway/resolve/resolve.go", old: `case m.twice:`, new: `case false:`,
		killer: road("^TestRefusedBeforeAnySession$"),
	},
	{
		name: "a host has many spellings", breaks: "I1 I4", peer: "KEY_1,x.example.com.:80 is a host",
		file: "internal/gateway/front/host.go", old: `if !key.IsLabel(label) {`, new: `if label == "*" && !key.IsLabel(label) {`,
		killer: road("^TestRefusedBeforeAnySession$"),
	},
	{
		name: "a request names its host twice", breaks: "I4", peer: "absolute-form with another Host",
		file: "internal/gateway/resolve/resolve.go", old: `strings.HasPrefix(path, "/") && `, new: ``,
		killer: road("^TestRefusedBeforeAnySession$"),
	},
	{
		name: "a malformed chunk is the pod's fault", breaks: "I4", peer: "502 for what the client did",
		file: "internal/gateway/forward.go", old: `case x.body.fault() != nil:`, new: `case false:`,
		killer: road("^TestMalformedBodyIsTheClientsFault$"),
	},
	{
		name: "a client takes as long as it likes", peer: "a slow body is held for ever",
		file: "internal/gateway/pace.go", old: `SetWriteDeadline(since.Add(p.out.left))`, new: `SetWriteDeadline(since.Add(100 * p.out.left))`,
		killer: road("^TestClientThatTakesNothingIsCutOff$"),
	},
	{
		name: "headers have no bound", peer: "a megabyte of headers for each request",
		file: "internal/gateway/server.go", old: `maxHeader = 28 << 10`, new: `maxHeader = 1 << 20`,
		killer: road("^TestHeaderBytesAreBounded$"),
	},
	{
		name: "as many may wait for a key as like", breaks: "I8", peer: "connections pile up during a wake",
		file: "internal/gateway/admit.go", old: `case r.held[t.ID] >= t.MaxHeld:`, new: `case false:`,
		killer: road("^TestWaitingIsBounded$"),
	},
	{
		name: "a body is read while it is held", peer: "a held upload is in the proxy's memory",
		file: "internal/gateway/road.go", old: "\tbegan := g.Now()\n\tfor range", new: "\t_, _ = r.Body.Read(make([]byte, 1))\n\tbegan := g.Now()\n\tfor range",
		killer: road("^TestBodyIsNotReadWhileHeld$"),
	},
	{
		name: "a health check is activity", breaks: "I7", peer: "probes and favicons keep it awake",
		file: "internal/gateway/road.go", old: `if t.Quiet != nil {`, new: `if false {`,
		killer: road("^TestQuietRequestsDoNotWake$"),
	},
	{
		name: "WebSockets break off when the gateway stops", peer: "1006 at each roll-out",
		file: "internal/gateway/server.go", old: `closed := s.Gateway.upgrades.drain()`, new: `closed := make(chan struct{})`,
		killer: road("^TestWebSocketEndsWithTheGateway$"),
	},
	{
		name: "a goodbye is written into a frame", peer: "1001 in the middle of a message",
		file: "internal/gateway/websocket/frames.go", old: `return f.have == 0 && f.payload == 0`, new: `return true`,
		killer: killer{pkg: "./internal/gateway/websocket", run: "^TestCloseFrameAtABoundary$"},
	},
	{
		name: "a sleep tears a message in two", breaks: "I4",
		file: "internal/gateway/websocket/frames.go", old: `return f.boundary() && !f.partial`, new: `return f.boundary()`,
		killer: road("^TestNoMessageOfAClientIsTorn$|^TestNoMessageOfAPodIsTorn$"),
	},
	{
		name: "what is behind the last message of a pod is lost", breaks: "I4 I5",
		file: "internal/gateway/websocket/side.go", old: "\tcase s.held:\n", new: "\tcase s.held && !s.ended && s.bye == nil:\n",
		killer: road("^TestNoMessageOfAPodIsTorn$|^TestNoMessageOfAClientIsTorn$|^TestFiftySleepsUnderAnOpenConnection$"),
	},
	{
		name: "a ping of a sleeping connection wakes its session", breaks: "I7", peer: "a ping is activity",
		file: "internal/gateway/websocket/inbox.go", old: `in.apart = !isData(p[n])`, new: `in.apart = false`,
		killer: road("^TestAsleep$"),
	},
	{
		name: "a sleeping client may send as much as it likes", breaks: "I8",
		file: "internal/gateway/websocket/inbox.go", old: `const inboxSize = 32 << 10`, new: `const inboxSize = 32 << 20`,
		killer: road("^TestMuchIsSentToASleeper$"),
	},
	{
		name: "a pod speaks for the gateway", breaks: "I4",
		file: "internal/gateway/interim.go", old: `h.Del(answer.HeaderReason)`, new: `_ = answer.HeaderReason`,
		killer: road("^TestPodCannotSpeakForTheGateway$"),
	},
}

func road(run string) killer { return killer{pkg: "./internal/gateway", run: run} }
