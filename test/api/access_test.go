package api_test

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

const issuer = `issuer: "https://id.example.com", audiences: [dormouse], jwks: '{"keys": []}'`

var _ = Describe("Who may use and wake", func() {
	It("is anyone, unless a template says otherwise", func(ctx SpecContext) {
		Expect(api.Create(ctx, template("spec.access={jwt: [{"+issuer+"}]}"))).To(Succeed())
		t := &v1alpha1.SessionTemplate{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
		Expect(t.Spec.Access.Use).To(Equal(v1alpha1.WhoAnyone))
		Expect(t.Spec.Wake.By).To(Equal(v1alpha1.WhoAnyone))
		Expect(t.Spec.Access.Kubernetes).To(BeFalse())
		Expect(t.Spec.Access.Capability).To(BeFalse())
		Expect(t.Spec.Access.JWT[0].SubjectClaim).To(Equal("sub"))
		Expect(t.Spec.Access.JWT[0].TenantClaim).To(BeEmpty())
		Expect(t.Spec.Access.JWT[0].GroupsClaim).To(Equal("groups"))
	})

	DescribeTable("is accepted",
		func(ctx SpecContext, changes ...string) { Expect(api.Create(ctx, template(changes...))).To(Succeed()) },
		Entry("as the owner, by JSON Web Tokens", "spec.access={use: Owner, jwt: [{"+issuer+"}]}"),
		Entry("as the owner, by capability tokens", "spec.access={use: Owner, capability: true}"),
		Entry("as anybody known, by tokens of the cluster", "spec.access={use: Authenticated, kubernetes: true}"),
		Entry("with a key in a claim of the token", "spec.access={jwt: [{"+issuer+"}]}", "spec.routes=[{claim: sub}]"),
		Entry("as anyone to use and the owner to wake", "spec.access={kubernetes: true}", "spec.wake={by: Owner}"),
		Entry("with every field of an issuer",
			"spec.access={jwt: [{"+issuer+", algorithms: [ES256, EdDSA], subjectClaim: email, tenantClaim: org, groupsClaim: roles}]}"),
	)

	DescribeTable("is rejected",
		func(ctx SpecContext, message string, changes ...string) {
			Expect(api.Create(ctx, template(changes...))).To(MatchError(ContainSubstring(message)))
		},
		Entry("as the owner, whom nothing tells", "use: Authenticated and Owner need a way", "spec.access={use: Owner}"),
		Entry("as anybody known, with no issuer", "use: Authenticated and Owner need a way", "spec.access={use: Authenticated, jwt: []}"),
		Entry("as the owner to wake, whom nothing tells", "wake.by: Authenticated and Owner need a way", "spec.wake={by: Owner}"),
		Entry("as anybody known to wake, with nothing", "wake.by: Authenticated and Owner need a way", "spec.access={use: Anyone}", "spec.wake={by: Authenticated}"),
		Entry("as somebody else", "spec.access.use", "spec.access={use: Friends, capability: true}"),
		Entry("as somebody else to wake", "spec.wake.by", "spec.access={capability: true}", "spec.wake={by: Any}"),
		Entry("with an issuer without an audience", "audiences", `spec.access={jwt: [{issuer: "https://a", jwks: "{}", audiences: []}]}`),
		Entry("with an issuer without keys", "jwks", `spec.access={jwt: [{issuer: "https://a", audiences: [a]}]}`),
		Entry("with an issuer that has the mark that parts it from a subject", "issuer", `spec.access={jwt: [{issuer: "https://a#b", jwks: "{}", audiences: [a]}]}`),
		Entry("with one issuer twice", "Duplicate value", "spec.access={jwt: [{"+issuer+"}, {"+issuer+"}]}"),
		Entry("with tokens that nobody signs", "algorithms", "spec.access={jwt: [{"+issuer+", algorithms: [none]}]}"),
		Entry("with tokens that whoever verifies can sign", "algorithms", "spec.access={jwt: [{"+issuer+", algorithms: [HS256]}]}"),
		Entry("with five issuers", "Too many", "spec.access={jwt: ["+strings.Repeat("{"+issuer+"},", 5)+"]}"),
		Entry("with a tenant's limit of no create", "spec.limits.perTenant.createsPerMinute", "spec.limits={perTenant: {createsPerMinute: 0}}"),
	)

	It("is the owner of a session, which is set once", func(ctx SpecContext) {
		s := given(ctx, session("a"))
		Expect(api.Patch(ctx, s, patch(`{spec: {owner: "https://id.example.com#alice"}}`))).To(Succeed())
		for _, other := range []string{`"https://id.example.com#bob"`, "null", `""`} {
			Expect(api.Patch(ctx, s, patch(`{spec: {owner: `+other+`}}`))).To(MatchError(ContainSubstring("owner")), other)
		}
		Expect(api.Create(ctx, session("b", "spec.owner="+strings.Repeat("a", 513)))).To(MatchError(ContainSubstring("spec.owner")))
	})
})
