package api_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const full = `
apiVersion: sessions.dormouse.dev/v1alpha1
kind: SessionTemplate
metadata: {name: chess}
spec:
  mode: OnDemand
  key: {pattern: "[a-z0-9]{1,32}", onMissing: Create}
  routes:
  - host: "{key}.chess.example.com"
  - path: "/chess/{key}/"
  - header: X-Chess-Table
  - cookie: chess-table
  - query: table
  port: 8080
  protocol: H2C
  wake: {timeout: 60s, maxHeld: 100, ready: {path: /ready}}
  identity: {path: /.well-known/pod}
  idle: {after: 5m, counts: Requests}
  save: {path: /save, timeout: 10s}
  limits: {awake: 1000, starting: 50, createsPerMinute: 600, sessions: 100000, perTenant: {awake: 10, starting: 5, sessions: 1000, createsPerMinute: 60}, whenFull: EvictIdle}
  template:
    metadata:
      labels: {app: chess}
      annotations: {example.com/team: games}
    spec:
      restartPolicy: Never
      containers:
      - name: table
        image: example.com/table:1
        ports: [{name: http, containerPort: 8080}]
`

var _ = Describe("A SessionTemplate", func() {
	It("is accepted with every field, and keeps them", func(ctx SpecContext) {
		o := object(full)
		written := o.DeepCopy()
		Expect(api.Create(ctx, o)).To(Succeed())
		Expect(o.Object["spec"]).To(HaveKeyWithValue("routes", written.Object["spec"].(map[string]any)["routes"]))
		Expect(o.Object["spec"]).To(HaveKeyWithValue("save", written.Object["spec"].(map[string]any)["save"]))
		Expect(o.Object["spec"]).To(HaveKeyWithValue("template", HaveKeyWithValue("metadata", HaveKeyWithValue("labels", HaveKey("app")))))
	})

	It("gets its defaults", func(ctx SpecContext) {
		Expect(api.Create(ctx, template("spec.save={path: /save}"))).To(Succeed())
		t := &v1alpha1.SessionTemplate{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
		Expect(t.Spec.Mode).To(Equal(v1alpha1.ModeOnDemand))
		Expect(t.Spec.Protocol).To(Equal(v1alpha1.ProtocolHTTP))
		Expect(t.Spec.Key).To(Equal(v1alpha1.KeySpec{Pattern: "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", OnMissing: v1alpha1.MissingReject}))
		Expect(t.Spec.Wake.Timeout.String()).To(Equal("&Duration{Duration:1m0s,}"))
		Expect(t.Spec.Wake.MaxHeld).To(BeEquivalentTo(100))
		Expect(t.Spec.Idle.After.Duration.String()).To(Equal("5m0s"))
		Expect(t.Spec.Idle.Counts).To(Equal(v1alpha1.CountsConnections))
		Expect(t.Spec.Save.Timeout.Duration.String()).To(Equal("10s"))
		Expect(t.Spec.Limits).To(BeZero())
		Expect(t.Status).To(BeZero())
	})

	It("queues when a limit is reached, unless it says otherwise", func(ctx SpecContext) {
		Expect(api.Create(ctx, template("spec.limits={awake: 1}"))).To(Succeed())
		t := &v1alpha1.SessionTemplate{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
		Expect(t.Spec.Limits.WhenFull).To(Equal(v1alpha1.FullQueue))
	})

	It("may be written again as it was", func(ctx SpecContext) {
		t := given(ctx, object(full))
		Expect(api.Update(ctx, t)).To(Succeed())
		Expect(t.GetGeneration()).To(BeEquivalentTo(1))
	})

	DescribeTable("is accepted",
		func(ctx SpecContext, change string) { Expect(api.Create(ctx, template(change))).To(Succeed()) },
		Entry("with a name of 63 letters", "metadata.name="+strings.Repeat("a", 63)),
		Entry("with a number for port", "spec.port=8080"),
		Entry("with an outcome that has it start again", "spec.outcomes=[{then: Restart}]"),
		Entry("without restartPolicy", "spec.template.spec.restartPolicy-"),
		Entry("with restartPolicy Never", "spec.template.spec.restartPolicy=Never"),
		Entry("with labels of others", "spec.template.metadata={labels: {app: a, example.com/sessions.dormouse.dev: b}}"),
		Entry("with no sessions but those that exist", "spec.limits={sessions: 0}"),
		Entry("with no sessions of a tenant but those that exist", "spec.limits={perTenant: {sessions: 0}}"),
		Entry("with bytes counted", "spec.idle={counts: Bytes}"),
		Entry("with connections that hibernate", "spec.idle={counts: Bytes, hibernateConnections: true}"),
		Entry("with connections that hibernate, and requests counted", "spec.idle={counts: Requests, hibernateConnections: true}"),
		Entry("with connections that count, and do not hibernate", "spec.idle={hibernateConnections: false}"),
		Entry("without routes", "spec.routes=[]"),
	)

	DescribeTable("is accepted as a Task",
		func(ctx SpecContext, change string) {
			Expect(api.Create(ctx, template("spec.mode=Task", change))).To(Succeed())
		},
		Entry("that starts again later", "spec.outcomes=[{exitCodes: [75], then: Restart, after: 1s}, {then: Restart, after: 720h}]"),
	)

	DescribeTable("is rejected as a Task",
		func(ctx SpecContext, change, message string) {
			Expect(api.Create(ctx, template("spec.mode=Task", change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("that is put to sleep", "spec.lifetime={awake: 1h}", "not with mode Task"),
		Entry("that is rolled out", "spec.rollout=Drain", "not with mode Task"),
		Entry("whose outcome lets it sleep", "spec.outcomes=[{then: Sleep}]", "which would not let it sleep"),
		Entry("that starts again too soon", "spec.outcomes=[{then: Restart, after: 999ms}]", "must be 1s to 720h"),
		Entry("that starts again too late", "spec.outcomes=[{then: Restart, after: 721h}]", "must be 1s to 720h"),
		Entry("that is over, but not yet", "spec.outcomes=[{then: Complete, after: 1h}]", "after: only with then: Restart"),
		Entry("that hibernates", "spec.hibernate={after: 10s, resources: {requests: {cpu: 1m}}}", "not with mode Task"),
		Entry("that is saved while it works", "spec.save={path: /save, after: 10s}", "save.after: not with mode Task"),
	)

	DescribeTable("is rejected",
		func(ctx SpecContext, change, message string) {
			Expect(api.Create(ctx, template(change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("protocol that nobody speaks", "spec.protocol=UDP", "Unsupported value"),
		Entry("with a dot in its name", "metadata.name=chess.v2", "metadata.name: no dots"),
		Entry("with a name of 64 letters", "metadata.name="+strings.Repeat("a", 64), "at most 63 characters"),
		Entry("with another mode", "spec.mode=Forever", "spec.mode"),
		Entry("with an outcome that starts itself", "spec.outcomes=[{then: Start, start: [{template: chess}]}]", "which would be itself"),
		Entry("with an outcome that starts nothing", "spec.outcomes=[{then: Start}]", "start: required with then: Start"),
		Entry("with an outcome that has it start later", "spec.outcomes=[{then: Restart, after: 1h}]", "after: only with mode Task"),
		Entry("without a port", "spec.port-", "port: required, unless mode is Task"),
		Entry("with a port that is a list", "spec.port=[80]", "spec.port"),
		Entry("without a pod template", "spec.template-", "spec.template: Required value"),
		Entry("without containers", "spec.template.spec.containers-", "spec.template.spec.containers: Required value"),
		Entry("with restartPolicy Always", "spec.template.spec.restartPolicy=Always", "restartPolicy: must be Never or absent"),
		Entry("with restartPolicy OnFailure", "spec.template.spec.restartPolicy=OnFailure", "restartPolicy: must be Never or absent"),
		Entry("with a label of ours", "spec.template.metadata={labels: {sessions.dormouse.dev/template: go}}", "labels: the prefix sessions.dormouse.dev/ is reserved"),
		Entry("with an annotation of ours", "spec.template.metadata={annotations: {sessions.dormouse.dev/epoch: '9'}}", "annotations: the prefix sessions.dormouse.dev/ is reserved"),
		Entry("with an empty pattern", `spec.key={pattern: ""}`, "spec.key.pattern"),
		Entry("with a long pattern", "spec.key={pattern: "+strings.Repeat("a", 513)+"}", "spec.key.pattern"),
		Entry("with another onMissing", "spec.key={onMissing: Ignore}", "spec.key.onMissing"),
		Entry("with nobody held", "spec.wake={maxHeld: 0}", "spec.wake.maxHeld"),
		Entry("with too many held", "spec.wake={maxHeld: 10001}", "spec.wake.maxHeld"),
		Entry("with a ready path without slash", "spec.wake={ready: {path: ready}}", "spec.wake.ready.path"),
		Entry("with a ready path with a space", `spec.wake={ready: {path: "/a b"}}`, "spec.wake.ready.path"),
		Entry("with a ready without path", "spec.wake={ready: {}}", "spec.wake.ready.path: Required value"),
		Entry("with a key in a claim of a token that nobody checks", "spec.routes=[{claim: sub}]", "routes: claim: needs access.jwt"),
		Entry("with an identity without path", "spec.identity={}", "spec.identity.path: Required value"),
		Entry("with an identity path of a whole URL", "spec.identity={path: 'http://example.com/'}", "spec.identity.path"),
		Entry("with a save without path", "spec.save={timeout: 1s}", "spec.save.path: Required value"),
		Entry("with a save path of a whole URL", "spec.save={path: 'http://example.com/'}", "spec.save.path"),
		Entry("with something else counted", "spec.idle={counts: Pings}", "spec.idle.counts"),
		Entry("with connections that hibernate and count", "spec.idle={hibernateConnections: true}", "hibernateConnections: only with counts: Requests or Bytes"),
		Entry("with a limit of no pod", "spec.limits={awake: 0}", "spec.limits.awake"),
		Entry("with a limit of no start", "spec.limits={starting: 0}", "spec.limits.starting"),
		Entry("with a limit of no create", "spec.limits={createsPerMinute: 0}", "spec.limits.createsPerMinute"),
		Entry("with a tenant's limit of no pod", "spec.limits={perTenant: {awake: 0}}", "spec.limits.perTenant.awake"),
		Entry("with a tenant's limit of no start", "spec.limits={perTenant: {starting: 0}}", "spec.limits.perTenant.starting"),
		Entry("with a tenant's negative limit", "spec.limits={perTenant: {sessions: -1}}", "spec.limits.perTenant.sessions"),
		Entry("with something else when full", "spec.limits={whenFull: Evict}", "spec.limits.whenFull"),
		Entry("with a negative limit", "spec.limits={sessions: -1}", "spec.limits.sessions"),
	)
})

var _ = Describe("A route", func() {
	DescribeTable("is accepted",
		func(ctx SpecContext, route string) {
			Expect(api.Create(ctx, template("spec.routes=["+route+"]"))).To(Succeed())
		},
		Entry("by host", `{host: "{key}.chess.example.com"}`),
		Entry("by host with labels before the key", `{host: "eu-1.{key}.example.com"}`),
		Entry("by host with one label after the key", `{host: "{key}.localhost"}`),
		Entry("by host with the key before a name", `{host: "{key}--chess.example.com"}`),
		Entry("by host with the key behind a name", `{host: "chess-{key}.example.com"}`),
		Entry("by host with the key between names", `{host: "eu.c-{key}-x.example.com"}`),
		Entry("by path", `{path: "/chess/{key}/"}`),
		Entry("by path at the root", `{path: "/{key}/"}`),
		Entry("by a long path", `{path: "/a/b-c/d.e/~f_g/{key}/"}`),
		Entry("by a path with a dot before a segment", `{path: "/.well-known/chess/{key}/"}`),
		Entry("by header", `{header: X-Chess-Table}`),
		Entry("by a short header", `{header: T}`),
		Entry("by cookie", `{cookie: __Host-chess.table}`),
		Entry("by query", `{query: table_id}`),
	)

	DescribeTable("is rejected",
		func(ctx SpecContext, route string) {
			Expect(api.Create(ctx, template("spec.routes=["+route+"]"))).To(MatchError(ContainSubstring("spec.routes[0]")))
		},
		Entry("with nothing", `{}`),
		Entry("with two", `{host: "{key}.example.com", header: X-Table}`),
		Entry("with three", `{host: "{key}.example.com", header: X-Table, path: "/{key}/"}`),
		Entry("with a host without key", `{host: "chess.example.com"}`),
		Entry("with a host that is the key", `{host: "{key}"}`),
		Entry("with a host with two keys", `{host: "{key}.{key}.example.com"}`),
		Entry("with a key that runs into what is before it", `{host: "chess{key}.example.com"}`),
		Entry("with a key that runs into what is behind it", `{host: "{key}chess.example.com"}`),
		Entry("with a hyphen at the beginning of the label", `{host: "-{key}.example.com"}`),
		Entry("with a hyphen at the end of the label", `{host: "{key}-.example.com"}`),
		Entry("with a cookie and a query", `{cookie: table, query: table}`),
		Entry("with a space in the cookie", `{cookie: "a b"}`),
		Entry("with an equals sign in the cookie", `{cookie: "a=b"}`),
		Entry("with an escape in the query", `{query: "a%20b"}`),
		Entry("with an empty query", `{query: ""}`),
		Entry("with upper case in the host", `{host: "{key}.Example.com"}`),
		Entry("with a port in the host", `{host: "{key}.example.com:8080"}`),
		Entry("with a dot at the end of the host", `{host: "{key}.example.com."}`),
		Entry("with an empty host", `{host: ""}`),
		Entry("with a path without slash at the end", `{path: "/chess/{key}"}`),
		Entry("with a path without key", `{path: "/chess/"}`),
		Entry("with a path after the key", `{path: "/{key}/table/"}`),
		Entry("with two keys in the path", `{path: "/{key}/{key}/"}`),
		Entry("with an empty segment in the path", `{path: "//{key}/"}`),
		Entry("with a dot as segment", `{path: "/./{key}/"}`),
		Entry("with two dots as segment", `{path: "/a/../{key}/"}`),
		Entry("with an escape in the path", `{path: "/a%20b/{key}/"}`),
		Entry("with an underscore in the header", `{header: X_Table}`),
		Entry("with a colon in the header", `{header: "X-Table:"}`),
		Entry("with a hyphen at the end of the header", `{header: X-}`),
	)

	It("is one of sixteen at most", func(ctx SpecContext) {
		routes := func(n int) string { return "spec.routes=[" + strings.Repeat(`{header: X-Table},`, n) + "]" }
		Expect(api.Create(ctx, template(routes(16)))).To(Succeed())
		Expect(api.Create(ctx, template(routes(17), "metadata.name=go"))).To(MatchError(ContainSubstring("spec.routes")))
	})
})
