package mutants

// stories are those of the operator on a real API server.
func stories(focus string) killer {
	return killer{pkg: "./controllers/session", run: "^TestSession$", focus: focus}
}

func endOf(focus string) killer { return stories("The end of a pod .*" + focus) }

// operatorMutants are faults of the operator's hands: what it reads, how it writes, whom it asks, and what it makes.
var operatorMutants = []mutant{
	{
		name: "a reflector stays away for longer after each fault", breaks: "I6", peer: "client-go's own, up to a minute",
		file: "internal/informer/informer.go", old: `, Backoff: pauses()`, new: ``,
		killer: killer{pkg: "./internal/informer", run: "^TestBackSoon$"},
	},
	{
		name: "what was deleted during an outage is not told", breaks: "I6",
		file: "internal/informer/relay.go", old: `if _, there := now[id]; !there {`, new: `if _, there := now[id]; !there && false {`,
		killer: killer{pkg: "./internal/informer", run: "^TestMissedEventsAreTold$"},
	},
	{
		name: "the status is written over what was not seen", breaks: "I4 I5",
		file: "controllers/session/reconciler.go", old: `client.MergeFromWithOptions(session, client.MergeFromWithOptimisticLock{})`, new: `client.MergeFrom(session)`,
		killer: stories("loses to a touch that the operator has not seen"),
	},
	{
		name: "a pod is deleted by its name", breaks: "I2", peer: "a delete without a precondition hits the next pod of that name",
		file: "controllers/session/act.go", old: `client.Preconditions{UID: ptr.To(pod.UID)}`, new: `client.PropagationPolicy(metav1.DeletePropagationBackground)`,
		killer: stories("not the next one of that name"),
	},
	{
		name: "the phase alone is believed", breaks: "I2", peer: "the pod garbage collector writes Failed without a word from the kubelet",
		file: "controllers/session/pod.go", old: `case terminal && !reportedRunning(pod):`, new: `case terminal:`,
		killer: endOf("is not believed from the phase alone"),
	},
	{
		name: "a forced delete is an end", breaks: "I2", peer: "a forced delete frees the name while the process runs",
		file: "controllers/session/pod.go", old: `case pod.Spec.NodeName == "":`, new: `case *pod.DeletionGracePeriodSeconds == 0:`,
		killer: endOf("is not believed from the phase alone"),
	},
	{
		name: "a pod of another owner is ours", breaks: "I1", peer: "the same name made again is taken for the old one",
		file: "controllers/session/observe.go", old: `metav1.IsControlledBy(w.pod, w.session)`, new: `true`,
		killer: endOf("of a leftover of an older Session"),
	},
	{
		name: "somebody's pod of that name is taken over", breaks: "I1",
		file: "controllers/session/act.go", old: `if _, ours := podspec.Epoch(pod); ours {`, new: `if true {`,
		killer: stories("never takes over a pod that is not its own"),
	},
	{
		name: "a cache is believed that a pod is gone", breaks: "I2 I6", peer: "a stale cache makes a second pod",
		file: "controllers/session/late.go", old: `if s.Status.Pod != nil && (apierrors.IsNotFound(err) || err == nil && pod.UID != s.Status.Pod.UID) {`, new: `if false {`,
		killer: endOf("is not taken from a cache"),
	},
	{
		name: "a pod that serves is a leftover to whoever is late", breaks: "I4 I5",
		file: "controllers/session/discard.go", old: `if epoch <= w.session.Status.Epoch && metav1.IsControlledBy(w.pod, w.session) {`, new: `if _ = epoch; true || metav1.IsControlledBy(w.pod, w.session) {`,
		killer: stories("leaves the pod alone that was published two epochs later"),
	},
	{
		name: "a node that is back is lost to whoever is late", breaks: "I2",
		file: "controllers/session/late.go", old: `if apierrors.IsNotFound(err) || err == nil && outOfService(node) {`, new: `if apierrors.IsNotFound(err) {`,
		killer: stories("is no evidence once it is back"),
	},
	{
		name: "a pod that ended leaves its epoch to the next", breaks: "I3",
		file: "controllers/session/report.go", old: `status.Epoch = max(status.Epoch, epoch)`, new: `_ = epoch`,
		killer: stories("fails at once when its image cannot be pulled"),
	},
	{
		name: "a pod is made with the epoch of the one before", breaks: "I3",
		file: "controllers/session/act.go", old: `w.session.Status.Epoch+1`, new: `max(w.session.Status.Epoch, 1)`,
		killer: endOf("is recorded, and a wanted session has the next epoch"),
	},
	{
		name: "a failed start is tried again for the same demand", breaks: "I8", peer: "a crash loop for one request",
		file: "controllers/session/report.go", old: `if step.Settle {`, new: `if false {`,
		killer: stories("fails at once when its image cannot be pulled"),
	},
	{
		name: "when a Task starts again is not written", peer: "a timer in memory is lost with the process",
		file: "controllers/session/report.go", old: `if step.Failures > 0 || !step.RetryAt.IsZero() {`, new: `if step.Failures > 0 {`,
		killer: stories("An outcome puts the next pod of a Task off"),
	},
	{
		name: "how it ended is not written", peer: "why it ended is lost with the pod",
		file: "controllers/session/report.go", old: `status.LastExit = lastExit(w, step, status.Epoch)`, new: `status.LastExit = w.session.Status.LastExit`,
		killer: stories("reports the exit code and the last line"),
	},
	{
		name: "a gateway's time is compared with ours", breaks: "I5", peer: "idle by the difference of two clocks",
		file: "controllers/session/memory.go", old: `if since.After(w.now) {`, new: `if false {`,
		killer: stories("is idle by the operator's clock"),
	},
	{
		name: "a touch is looked for once for each leader", breaks: "I4 I5", peer: "a touch seen at its edge only",
		file: "controllers/session/memory.go", old: `m.activity.see(activityFact(w.session.Demand()), w.now)`, new: `_ = w.session`,
		killer: stories("loses to a touch that the operator has not seen"),
	},
	{
		name: "a lifetime begins anew when a sleep is taken back", peer: "its time to live is reset by each wake",
		file: "controllers/session/report.go", old: `if status.Pod != nil && status.Pod.UID == w.pod.UID {`, new: `if false {`,
		killer: stories("counts lifetime.awake from the first publication"),
	},
	{
		name: "a name is kept by a pod that nobody finishes", breaks: "I6", peer: "a node that vanished blocks the name",
		file: "controllers/session/act.go", old: `return r.delete(ctx, pod, client.GracePeriodSeconds(0))`, new: `return r.delete(ctx, pod)`,
		killer: endOf("whose node vanished"),
	},
	{
		name: "an alarm rings twice", peer: "a cron job that runs twice",
		file: "controllers/alarm/due.go", old: `if at := alarm.Time(); at.After(base) {`, new: `if at := alarm.Time(); !at.Before(base) {`,
		killer: killer{pkg: "./controllers/alarm", run: "^TestLawWhatWasActedOnIsOver$|^TestPlan$"},
	},
	{
		name: "a place is given back only by who is remembered", breaks: "I6",
		file: "controllers/session/gather.go", old: "\tr.Slots.Free(of, slots.ID(name))\n\tr.Rollouts.Free(of, slots.ID(name))", new: "\tr.Rollouts.Free(of, slots.ID(name))",
		killer: stories("hears late that a session is gone"),
	},
	{
		name: "a limit is asked for, and taken later", breaks: "I8", peer: "two that ask at once both get the last place",
		file: "internal/slots/slots.go", old: `if taken = g.ask(c.ID, c.Tenant).Room; taken {`, new: `if taken = true; taken {`,
		killer: killer{pkg: "./internal/slots", run: "^TestPlaces"},
	},
	{
		name: "a place is counted twice", breaks: "I8",
		file: "internal/slots/group.go", old: "\tg.drop(id)\n\tg.line.serve(id)", new: "\tg.line.serve(id)",
		killer: killer{pkg: "./internal/slots", run: "^TestPlaces"},
	},
	{
		name: "a session makes room by its name", breaks: "I8", peer: "evicted in the order of the list",
		file: "internal/slots/evict.go", old: `g.holders[a].since.Compare(g.holders[b].since)`, new: `0`,
		killer: killer{pkg: "./internal/slots", run: "^TestLongestIdle"},
	},
	{
		name: "one tenant is served before all others", breaks: "I8", peer: "the first come takes all places",
		file: "internal/slots/line.go", old: `l.turns = append(slices.Delete(l.turns, at, at+1), tenant)`, new: `_ = at`,
		killer: killer{pkg: "./internal/slots", run: "^TestTenantsTakeTurns$"},
	},
	{
		name: "who waits is not called when a place is free", breaks: "I6", peer: "a wake lost between the look and the wait",
		file: "internal/slots/group.go", old: `if !g.called[id] {`, new: `if g.called[id] {`,
		killer: killer{pkg: "./internal/slots", run: "^TestNoWakeIsLost"},
	},
	{
		name: "a late Lease is a gateway that is gone", breaks: "I4 I5", peer: "after an outage of the API server all Leases are late",
		file: "internal/sight/sight.go", old: `if s.Now().Sub(q.asked) < doubt || lives(lease) {`, new: `if s.Now().Sub(q.asked) < doubt {`,
		killer: stories("waits for every gateway, and for no clock of theirs"),
	},
	{
		name: "a list from before the unpublish will do", breaks: "I4 I5",
		file: "internal/sight/sight.go", old: `for uid, q := range open {`, new: `for uid, q := range s.open() {`,
		killer: killer{pkg: "./internal/sight", run: "^TestAListAnswersWhatWasAskedBeforeIt$"},
	},
	{
		name: "what was seen of one drain holds for the next", breaks: "I4 I5",
		file: "internal/sight/sight.go", old: `if q == nil || q.version != version {`, new: `if q == nil {`,
		killer: killer{pkg: "./internal/sight", run: "^TestEachDrainIsAskedAbout$"},
	},
	{
		name: "a gateway vouches for what it says it does not", breaks: "I4",
		file: "internal/sight/gateway.go", old: `if unsettled == string(uid) {`, new: `if unsettled == string(uid) && unsettled == "" {`,
		killer: killer{pkg: "./internal/sight", run: "^TestVouches$"},
	},
	{
		name: "versions are compared as words", breaks: "I4", peer: "a resourceVersion compared as text",
		file: "internal/sight/gateway.go", old: `return err == nil && order >= 0`, new: `return err == nil && order == order && lease.Annotations[v1alpha1.AnnotationWatermark] >= version`,
		killer: killer{pkg: "./internal/sight", run: "^TestVouches$"},
	},
	{
		name: "a gateway that cannot be asked about is gone", breaks: "I4 I5", peer: "no answer taken for no",
		file: "internal/sight/gateway.go", old: `case apierrors.IsNotFound(err):`, new: `case err != nil || apierrors.IsNotFound(err):`,
		killer: killer{pkg: "./internal/sight", run: "^TestNoAnswerIsNoProof$"},
	},
	{
		name: "a save of one drain counts for the next", breaks: "I5",
		file: "internal/savehook/savehook.go", old: `case s.occasion == occasion:`, new: `case true:`,
		killer: killer{pkg: "./internal/savehook", run: "^TestSaveEndsAndTells$"},
	},
	{
		name: "a save overtakes the one before", breaks: "I5",
		file: "internal/savehook/savehook.go", old: `case s.queued && s.occasion != want.For:`, new: `case s.occasion != want.For:`,
		killer: killer{pkg: "./internal/savehook", run: "^TestNoTwoSavesAtOnce$"},
	},
	{
		name: "saves for which nobody waits come all at once", breaks: "I8", peer: "a herd at each change of leader",
		file: "internal/savehook/savehook.go", old: "\tif want.Turn != \"\" {\n", new: "\tif want.Turn == \"nobody's\" {\n",
		killer: killer{pkg: "./internal/savehook", run: "^TestSavesTakeTurns$"},
	},
	{
		name: "a redirect is followed to a page that answers well", breaks: "I5", peer: "a login page taken for success",
		file: "internal/savehook/savehook.go", old: `resp, err := pod.RoundTrip(req)`, new: `resp, err := (&http.Client{Transport: pod}).Do(req)`,
		killer: killer{pkg: "./internal/savehook", run: "^TestSaveFollowsNoRedirect$"},
	},
	{
		name: "a save while it served will do for its stop", breaks: "I5",
		file: "controllers/session/memory.go", old: "\t\treturn drainOf(s)\n", new: "\t\t_ = drainOf(s)\n",
		killer: stories("is saved once for each time that nobody needs it"),
	},
	{
		name: "a save that was refused is done", breaks: "I5",
		file: "internal/savehook/savehook.go", old: `if resp.StatusCode < 200 || resp.StatusCode > 299 {`, new: `if false {`,
		killer: killer{pkg: "./internal/savehook", run: "^TestFailedSave"},
	},
	{
		name: "a pod has no finalizer", breaks: "I2", peer: "how it ended is never seen",
		file: "internal/podspec/pod.go", old: `Finalizers:  []string{v1alpha1.Finalizer},`, new: ``,
		killer: killer{pkg: "./internal/podspec", run: "^TestGolden$"},
	},
	{
		name: "the kubelet restarts a pod", breaks: "I3", peer: "a restart that nobody counts",
		file: "internal/podspec/pod.go", old: `corev1.RestartPolicyNever`, new: `corev1.RestartPolicyAlways`,
		killer: killer{pkg: "./internal/podspec", run: "^TestLawOursWins$"},
	},
	{
		name: "a pod has a token of the API server", peer: "a pod template is a privilege",
		file: "internal/podspec/pod.go", old: `setDefault(&pod.Spec.AutomountServiceAccountToken, false)`, new: `setDefault(&pod.Spec.AutomountServiceAccountToken, true)`,
		killer: killer{pkg: "./internal/podspec", run: "^TestSecurity$|^TestGolden$"},
	},
	{
		name: "a fence begins anew with a Session made again", breaks: "I3",
		file: "internal/podspec/pod.go", old: `s.CreationTimestamp.Unix()<<20 + epoch`, new: `epoch`,
		killer: killer{pkg: "./internal/podspec", run: "^TestFence"},
	},
	{
		name: "a template's own epoch wins", breaks: "I3",
		file: "internal/podspec/pod.go", old: `if !named(ours, v.Name) {`, new: `if true {`,
		killer: killer{pkg: "./internal/podspec", run: "^TestLawOursWins$"},
	},
	{
		name: "a volume is another's of that name", breaks: "I1 I4", peer: "a volume claim is found by its name",
		file: "internal/podspec/volumes.go", old: `case c.Found.Annotations[v1alpha1.AnnotationSessionUID] != string(s.UID):`, new: `case false:`,
		killer: killer{pkg: "./internal/podspec", run: "^TestLawNoSilentlyFreshVolume$"},
	},
	{
		name: "a lost volume is made again without a word", breaks: "I5", peer: "an empty disk after the claim was deleted",
		file: "internal/podspec/volumes.go", old: `case c.Found == nil && had != "" && !accepted(s):`, new: `case false:`,
		killer: killer{pkg: "./internal/podspec", run: "^TestLawNoSilentlyFreshVolume$"},
	},
	{
		name: "two keys meet in one name", breaks: "I1 I4",
		file: "internal/key/key.go", old: `digits.EncodeToString(sum[:hashed])`, new: `digits.EncodeToString(sum[:1])`,
		killer: killer{pkg: "./internal/key", run: "^TestKeysThatLookAlikeNeverMeet$"},
	},
	{
		name: "a part of a key matches the pattern", breaks: "I8", peer: "a pattern that is not anchored",
		file: "internal/key/key.go", old: "`\\A(?:` + expr + `)\\z`", new: "expr",
		killer: killer{pkg: "./internal/key", run: "^TestPatternIsAnchored$"},
	},
	{
		name: "a last session that only seems to be gone is not deleted again", breaks: "I6",
		file: "controllers/session/ondelete.go", old: `if err := r.unlessGone(ctx, s, err); err != nil {`, new: `if client.IgnoreNotFound(err) != nil {`,
		killer: killer{pkg: "./test/crash", run: "^TestCrashAtEveryCall$/^delete_with_a_last_session$"},
	},
}
