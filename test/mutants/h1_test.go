package mutants

// h1Mutants are faults of whoever reads HTTP/1.1 himself: what two readers understand in two ways.
var h1Mutants = []mutant{
	{
		name: "a request with a length and a coding has the coding's", peer: "CL.TE, of every second proxy",
		file: "internal/h1/request.go", old: `if coded && n >= 0 {`, new: `if coded && n < -1 {`,
		killer: wire("^TestHeadsThatCouldBeReadInTwoWays$"),
	},
	{
		name: "a line of a request may end with LF", peer: "a proxy before it sees another line",
		file: "internal/h1/request.go", old: `h, err := parseFields(rest, false)`, new: `h, err := parseFields(rest, true)`,
		killer: wire("^TestHeadsThatCouldBeReadInTwoWays$"),
	},
	{
		name: "a request has two lengths if they are the same", peer: "of two readers each takes another one",
		file: "internal/h1/request.go", old: `n, err := length(h, false)`, new: `n, err := length(h, true)`,
		killer: wire("^TestHeadsThatCouldBeReadInTwoWays$"),
	},
	{
		name: "a chunk may be followed by anything", peer: "chunked bodies that go on in the next request",
		file: "internal/h1/body.go", old: "\t\tif string(end) != \"\\r\\n\" {\n\t\t\treturn errChunk\n\t\t}\n\t\tb.from.r += 2\n\t\tb.inside = false\n", new: "\t\tb.from.r += len(end)\n\t\tb.inside = false\n",
		killer: wire("^TestNothingIsSmuggled$"),
	},
	{
		name: "a value may end its line", peer: "header injection by CR and LF",
		file: "internal/h1/write.go", old: `b[i] = ' '`, new: `b[i] = c`,
		killer: wire("^TestWhatIsSent$"),
	},
	{
		name: "a connection is used again behind an answer with something left", breaks: "I4", peer: "responses that go to the next one's client",
		file: "internal/h1/exchange.go", old: `len(x.conn.in.buffered()) == 0`, new: `x.conn != nil`,
		killer: wire("^TestAnswers$"),
	},
	{
		name: "a reader of a body goes on in the next request", peer: "the begin of a request is taken for the end of the one before",
		file: "internal/h1/requestbody.go", old: `if t.stopped || t.finished {`, new: `if t.stopped {`,
		killer: wire("^TestReaderThatOutlivesItsRequest$"),
	},
	{
		name: "the deadlines of a connection that was given away are set", peer: "found here, under load: a WebSocket ended at once",
		file: "internal/h1/watch.go", old: `if t.finished { // and`, new: `if t.status > 999 { // and`,
		killer: wire("^TestHijackedForGood$"),
	},
	{
		name: "what Connection lists reaches the pod", peer: "a header that somebody before the gateway took for its own goes on",
		file: "internal/gateway/relay.go", old: ` || ends[name] {`, new: ` {`,
		killer: road("^TestHopByHop$"),
	},
}

func wire(run string) killer { return killer{pkg: "./internal/h1", run: run} }
