package api_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/dormouse-dev/dormouse/internal/key"
)

var _ = Describe("The name of a Session", func() {
	const hash = "0123456789abcdefghijklmnop"

	DescribeTable("is accepted",
		func(ctx SpecContext, name, k string) {
			Expect(api.Create(ctx, session(k, "metadata.name="+name))).To(Succeed())
		},
		Entry("of a plain key", "chess.table-42", "table-42"),
		Entry("of the shortest key", "chess.a", "a"),
		Entry("of a number", "chess.42", "42"),
		Entry("of the longest plain key", "chess."+strings.Repeat("a", 63), strings.Repeat("a", 63)),
		Entry("with slug and hash", "chess.table-"+hash+".x", "Table"),
		Entry("with a hash alone", "chess."+hash+".x", "日本"),
		Entry("of a key with a dot", "chess.a-b-"+hash+".x", "a.b"),
		Entry("with the longest slug", "chess."+strings.Repeat("a", 32)+"-"+hash+".x", strings.Repeat("A", 64)),
	)

	DescribeTable("is the one that internal/key gives (001-15)",
		func(ctx SpecContext, k string) {
			name, err := key.Name("chess", k)
			Expect(err).NotTo(HaveOccurred())
			o := session("a")
			o.SetName(name)
			Expect(unstructured.SetNestedField(o.Object, k, "spec", "key")).To(Succeed())
			Expect(api.Create(ctx, o)).To(Succeed())
		},
		Entry("of a plain key", "table-42"),
		Entry("of a key with upper case", "Table"),
		Entry("of a path", "/a/b c/"),
		Entry("of a dot", "."),
		Entry("of a hyphen at the end", "a-"),
		Entry("of a line", "a\n"),
		Entry("of 64 letters", strings.Repeat("a", 64)),
		Entry("of 1024 bytes of letters", strings.Repeat("a", 1024)),
		Entry("of 1024 bytes of umlauts", strings.Repeat("ü", 512)),
		Entry("of what YAML takes for something else", "null"),
		Entry("of an encoded name", "table-"+hash+".x"),
	)

	DescribeTable("is rejected (001-17)",
		func(ctx SpecContext, name, k string) {
			Expect(api.Create(ctx, session(k, "metadata.name="+name))).To(MatchError(ContainSubstring("metadata.name must be <template>.<key>")))
		},
		Entry("without the template", "table-42", "table-42"),
		Entry("of another template", "go.table-42", "table-42"),
		Entry("of a template that begins alike", "chess2.table-42", "table-42"),
		Entry("of another key", "chess.table-43", "table-42"),
		Entry("encoded, of a plain key", "chess.table-"+hash+".x", "table"),
		Entry("plain, of a key with upper case", "chess.table", "Table"),
		Entry("without the second dot", "chess.table-"+hash, "Table"),
		Entry("with another ending", "chess.table-"+hash+".y", "Table"),
		Entry("with a short hash", "chess.table-"+hash[1:]+".x", "Table"),
		Entry("with a hash in other digits", "chess.table-"+hash[1:]+"z.x", "Table"),
		Entry("with a slug too long", "chess."+strings.Repeat("a", 33)+"-"+hash+".x", strings.Repeat("A", 64)),
	)

	It("cannot be made up by the API server", func(ctx SpecContext) {
		Expect(api.Create(ctx, session("a", "metadata.name-", "metadata.generateName=chess."))).NotTo(Succeed())
	})
})

var _ = Describe("The spec of a Session", func() {
	DescribeTable("is rejected",
		func(ctx SpecContext, change, message string) {
			Expect(api.Create(ctx, session("a", change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("without a key", "spec.key-", "spec.key: Required value"),
		Entry("without a template", "spec.template-", "spec.template: Required value"),
		Entry("with an empty key", `spec.key=""`, "spec.key"),
		Entry("with an empty template", `spec.template=""`, "spec.template"),
		Entry("with a dot in the template", "spec.template=a.b", "spec.template"),
		Entry("with upper case in the template", "spec.template=Chess", "spec.template"),
		Entry("with a key of 1025 letters", "spec.key="+strings.Repeat("a", 1025), "spec.key"),
		Entry("with a key of 1026 bytes in 513 letters", "spec.key="+strings.Repeat("ü", 513), "must have at most 1024 bytes"),
		Entry("with an empty tenant", `spec.tenant=""`, "spec.tenant"),
		Entry("with upper case in the tenant", "spec.tenant=Alice", "spec.tenant"),
		Entry("with a tenant of 64 letters", "spec.tenant="+strings.Repeat("a", 64), "spec.tenant"),
		Entry("with NUL in the key", `spec.key="a\u0000b"`, "spec.key"),
		Entry("with four fields in the schedule", "spec.schedule='0 6 * *'", "spec.schedule"),
		Entry("with six fields in the schedule", "spec.schedule='0 0 6 * * *'", "spec.schedule"),
		Entry("with an interval for a schedule", "spec.schedule='@every 1s'", "spec.schedule"),
		Entry("with an empty field in the schedule", "spec.schedule='0 , * * *'", "spec.schedule"),
		Entry("with a time zone in the schedule", "spec.schedule='TZ=UTC 0 6 * *'", "spec.schedule"),
		Entry("with a time zone that leaves its folder", "spec.timeZone=../etc/passwd", "spec.timeZone"),
		Entry("with the time zone of some machine", "spec.timeZone=Local", "must be an IANA name"),
		Entry("with an unknown wish for what was missed", "spec.missed=Twice", "spec.missed"),
		Entry("with an alarm of part of a second", "spec.alarms=['2026-01-02T03:04:05.5Z']", "spec.alarms[0]"),
		Entry("with an alarm without a zone", "spec.alarms=['2026-01-02T03:04:05']", "spec.alarms[0]"),
		Entry("with an alarm in small letters", "spec.alarms=['2026-01-02t03:04:05z']", "spec.alarms[0]"),
		Entry("with an alarm in a zone that there cannot be", "spec.alarms=['2026-01-02T03:04:05+99:00']", "spec.alarms[0]"),
		Entry("with an alarm on a day that there is not", "spec.alarms=['2026-02-30T03:04:05Z']", "spec.alarms[0]"),
		Entry("with an alarm in a minute of 61 seconds", "spec.alarms=['2026-01-02T03:04:60Z']", "spec.alarms[0]"),
		Entry("with 65 alarms", "spec.alarms=["+strings.Repeat("'2026-01-02T03:04:05Z', ", 65)+"]", "spec.alarms"),
	)

	DescribeTable("is accepted",
		func(ctx SpecContext, change string) {
			Expect(api.Create(ctx, session("a", change))).To(Succeed())
		},
		Entry("with a schedule", "spec.schedule='*/5,1 0-6/2 ? jan mon-fri'"),
		Entry("with spaces in the schedule", "spec.schedule='0  6 *   * *'"),
		Entry("with a time zone", "spec.timeZone=America/Argentina/Buenos_Aires"),
		Entry("with a time zone of a number", "spec.timeZone=Etc/GMT+5"),
		Entry("with a wish for what was missed", "spec.missed=Skip"),
		Entry("with alarms in any zone and order", "spec.alarms=['2026-01-02T03:04:05+05:30', '2025-01-02T03:04:05Z']"),
		Entry("with 64 alarms", "spec.alarms=["+strings.Repeat("'2026-01-02T03:04:05Z', ", 64)+"]"),
	)

	It("lets alarms, schedule, time zone and missed change (000-57)", func(ctx SpecContext) {
		s := given(ctx, session("a", "spec.schedule='0 6 * * *'", "spec.alarms=['2026-01-02T03:04:05Z']"))
		Expect(api.Patch(ctx, s, patch("spec: {schedule: '0 7 * * *', timeZone: Europe/Berlin, missed: Skip, alarms: ['2027-01-02T03:04:05Z']}"))).To(Succeed())
		Expect(api.Patch(ctx, s, patch("spec: {schedule: null, timeZone: null, missed: null, alarms: null}"))).To(Succeed())
		Expect(s.Object["spec"]).To(HaveLen(2))
	})

	DescribeTable("is immutable",
		func(ctx SpecContext, change, message string) {
			s := given(ctx, session("a", "spec.tenant=alice"))
			Expect(api.Patch(ctx, s, patch(change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("in its key", "spec: {key: b}", "key is immutable"),
		Entry("in its template", "spec: {template: go}", "template is immutable"),
		Entry("in its tenant", "spec: {tenant: bob}", "tenant is immutable"),
		Entry("in having a tenant", "spec: {tenant: null}", "tenant is immutable"),
	)

	It("gets no tenant that it was made without", func(ctx SpecContext) {
		s := given(ctx, session("a"))
		Expect(api.Patch(ctx, s, patch("spec: {tenant: alice}"))).To(MatchError(ContainSubstring("tenant is immutable")))
		Expect(api.Patch(ctx, s, patch("metadata: {labels: {a: b}}"))).To(Succeed())
	})
})

var _ = Describe("The status of a Session", func() {
	It("is dropped from a create", func(ctx SpecContext) {
		s := session("a", "status={phase: Awake, epoch: 3}")
		Expect(api.Create(ctx, s)).To(Succeed())
		Expect(s.Object).NotTo(HaveKey("status"))
	})

	DescribeTable("keeps the epoch from falling",
		func(ctx SpecContext, change string) {
			s := given(ctx, session("a", "status={epoch: 3}"))
			Expect(api.Status().Patch(ctx, s, patch(change))).To(MatchError(ContainSubstring("status.epoch never falls")))
		},
		Entry("by one", "status: {epoch: 2}"),
		Entry("to nothing", "status: {epoch: null}"),
		Entry("with the whole status", "status: null"),
	)

	It("keeps the epoch from falling in an update without status", func(ctx SpecContext) {
		s := given(ctx, session("a", "status={epoch: 3}"))
		delete(s.Object, "status")
		Expect(api.Status().Update(ctx, s)).To(MatchError(ContainSubstring("status.epoch never falls")))
	})

	It("is not touched by an update of the object", func(ctx SpecContext) {
		s := given(ctx, session("a", "status={epoch: 3}"))
		s.Object["status"] = map[string]any{"epoch": int64(1)}
		s.SetLabels(map[string]string{"a": "b"})
		Expect(api.Update(ctx, s)).To(Succeed())
		Expect(s.Object).To(HaveKeyWithValue("status", HaveKeyWithValue("epoch", int64(3))))
	})

	DescribeTable("is accepted",
		func(ctx SpecContext, change string) {
			s := given(ctx, session("a", "status={epoch: 3}"))
			Expect(api.Status().Patch(ctx, s, patch(change))).To(Succeed())
		},
		Entry("with the same epoch", "status: {epoch: 3, phase: Asleep}"),
		Entry("with a greater epoch", "status: {epoch: 4}"),
		Entry("with a touch", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', source: request, by: gateway-1}}"),
		Entry("with a touch by the clock", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', source: alarm, by: operator}, lastAlarm: '2026-01-02T03:04:05Z'}"),
		Entry("with a touch that says what the workload said", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', idleAfter: 720h, busy: 24h}}"),
		Entry("with a touch that lets it sleep at once", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', idleAfter: 0s, busy: 1ms}}"),
		Entry("with a drain of no activity", "status: {phase: Draining, drain: {}}"),
		Entry("with words of 256 bytes", "status: {waitingFor: "+strings.Repeat("a", 256)+", notIdleBecause: "+strings.Repeat("a", 256)+"}"),
		Entry("with an endpoint", "status: {phase: Awake, endpoint: {uid: u, address: 10.0.0.1, port: 80}, pod: {name: p, uid: u}}"),
	)

	DescribeTable("is rejected",
		func(ctx SpecContext, change, message string) {
			s := given(ctx, session("a"))
			Expect(api.Status().Patch(ctx, s, patch(change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("with an unknown phase", "status: {phase: Sleepy}", "status.phase"),
		Entry("with an epoch below zero", "status: {epoch: -1}", "status.epoch"),
		Entry("with an unknown source", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', source: cat}}", "status.activity.source"),
		Entry("with a touch without time", "status: {activity: {source: request}}", "status.activity.time"),
		Entry("with an idle time beyond 720h", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', idleAfter: 720h1ms}}", "status.activity.idleAfter"),
		Entry("with an idle time between 0s and 1s", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', idleAfter: 999ms}}", "must be 0s, or 1s to 720h"),
		Entry("with an idle time that nobody can read", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', idleAfter: soon}}", "status.activity.idleAfter"),
		Entry("with a workload that is busy for more than a day", "status: {activity: {time: '2026-01-02T03:04:05.000006Z', busy: 24h1ms}}", "must be at most 24h"),
		Entry("with an endpoint without UID", "status: {endpoint: {address: 10.0.0.1, port: 80}}", "status.endpoint.uid"),
		Entry("with long words for what it waits for", "status: {waitingFor: "+strings.Repeat("a", 257)+"}", "status.waitingFor"),
		Entry("with long words for why it is up", "status: {notIdleBecause: "+strings.Repeat("a", 257)+"}", "status.notIdleBecause"),
		Entry("with long last words", "status: {lastExit: {epoch: 1, reason: Error, time: '2026-01-02T03:04:05Z', message: "+
			strings.Repeat("a", 1025)+"}}", "status.lastExit.message"),
	)

	It("keeps the microseconds of a touch", func(ctx SpecContext) {
		s := given(ctx, session("a"))
		Expect(api.Status().Patch(ctx, s, patch("status: {activity: {time: '2026-01-02T03:04:05.000006Z'}}"))).To(Succeed())
		before := s.GetResourceVersion()
		Expect(api.Status().Patch(ctx, s, patch("status: {activity: {time: '2026-01-02T03:04:05.000007Z'}}"))).To(Succeed())
		Expect(s.GetResourceVersion()).NotTo(Equal(before))
	})
})
