package mutants

// sessionAPIMutants are faults of the Session API.
var sessionAPIMutants = []mutant{
	{
		name: "a former pod is heard", breaks: "I3",
		file: "internal/cluster/self.go", old: `return false, formerPod()`, new: `return true, nil`,
		killer: hands("is refused before it is published, and when another has taken its place"),
	},
	{
		name: "who sleeps is told to sleep", breaks: "I7", peer: "a call to stop that starts",
		file: "internal/cluster/sessions.go", old: "e == nil || e.Port == 0 {\n\t\treturn nil\n", new: "e == nil || e.Port == 0 {\n\t\treturn s.waker.rouse(ctx, directory.Wish{ID: t.ID})\n",
		killer: hands("has a session that is up fall asleep by a touch, and touches none that sleeps"),
	},
	{
		name: "a lease costs a write each time it is renewed", breaks: "I8", peer: "heartbeats in etcd",
		file: "internal/cluster/rouse.go", old: `if !w.directory.Telling(id) {`, new: `if s == nil {`,
		killer: hands("is told who it is, and keeps its session awake while it works"),
	},
	{
		name: "a batch that is sent again counts once more", breaks: "I8", peer: "a retry that is refused for what it has done",
		file: "internal/cluster/sessions.go", old: "\t\to, err := s.get(ctx, t)\n\t\tif err == nil {\n", new: "\t\to, err := s.get(ctx, t)\n\t\tif busy := s.waker.mayMake(directory.Wish{ID: t.ID}, directory.ID{Namespace: t.Namespace, Name: t.Name}); busy != nil {\n\t\t\terr = busy\n\t\t}\n\t\tif err == nil {\n",
		killer: hands("makes no more than the limits of the template allow, and says which one it was"),
	},
	{
		name: "a batch is made all at once", breaks: "I8",
		file: "internal/sessionapi/batch.go", old: `batchAtOnce = 8`, new: `batchAtOnce = 1000`,
		killer: api("^TestBatchEndsWithItsClient$"),
	},
	{
		name: "whoever comes ends sessions", breaks: "I8", peer: "an administrator's API on the data port",
		file: "internal/sessionapi/authorize.go", old: "\t\treturn requestMakes || open\n\t}\n\treturn open\n", new: "\t\treturn requestMakes || open\n\t}\n\treturn true\n",
		killer: api("^TestAnyone$"),
	},
	{
		name: "slashes in a key are folders", breaks: "I4", peer: "a path that is cleaned before it is read",
		file: "internal/sessionapi/path.go", old: `path, _, _ := strings.Cut(r.RequestURI, "?")`, new: `path := r.URL.Path`,
		killer: api("^TestPaths$"),
	},
	{
		name: "two keys of a batch are one", breaks: "I4", peer: "half a surrogate pair is U+FFFD",
		file: "internal/sessionapi/batch.go", old: `if strings.ContainsRune(k, '\uFFFD') {`, new: `if strings.ContainsRune(k, 0) {`,
		killer: api("^TestBatchTellsEachLineApart$"),
	},
	{
		name: "one tenant makes sessions on another's account", breaks: "I8",
		file: "internal/sessionapi/authorize.go", old: `case c.Tenant == "" && (c.Known() || open):`, new: `case c.Known() || open:`,
		killer: api("^TestAccount$"),
	},
	{
		name: "whoever comes gives sessions their input", breaks: "I8", peer: "parameters of a stranger in somebody's sandbox",
		file: "internal/sessionapi/authorize.go", old: `case n.Input != nil:`, new: `case n.Input != nil && open:`,
		killer: api("^TestAnyoneSaysNothingOfASession$"),
	},
	{
		name: "clients that stall keep pods from saying that they are busy", breaks: "I5", peer: "one queue for strangers and heartbeats",
		file: "internal/sessionapi/routes.go", old: `return a.selfs }`, new: `return a.batches }`,
		killer: api("^TestCallsThatStall$"),
	},
	{
		name: "who may is decided on one session, and done to another", breaks: "I4", peer: "a name that was checked, and then used again",
		file: "internal/cluster/sessions.go", old: `t.Decided != string(o.UID)`, new: `t.Decided == string(o.UID)`,
		killer: hands("does nothing to a session that was made since it was decided who may"),
	},
}

// api is tests of the HTTP side.
func api(run string) killer { return killer{pkg: "./internal/sessionapi", run: run} }
