package api_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = Describe("A SessionTemplate of raw TCP", func() {
	const host = `spec.routes=[{host: "{key}.example.com"}]`

	It("is accepted with routes of hosts, or none", func(ctx SpecContext) {
		Expect(api.Create(ctx, template("spec.protocol=TCP"))).To(Succeed())
		Expect(api.Create(ctx, template("spec.protocol=TCP", host, "metadata.name=go"))).To(Succeed())
	})

	It("is accepted with an identity at a port of its own, and with none at its raw one", func(ctx SpecContext) {
		Expect(api.Create(ctx, template("spec.protocol=TCP", host, "spec.identity={path: /who, port: 9000}"))).To(Succeed())
		for _, identity := range []string{"spec.identity={path: /who}", "spec.identity={path: /who, port: 8080}"} {
			Expect(api.Create(ctx, template("spec.protocol=TCP", host, "spec.port=8080", identity, "metadata.name=go"))).To(MatchError(ContainSubstring("identity.port: another port")))
		}
		Expect(api.Create(ctx, template("spec.identity={path: /who, port: 9000}", "metadata.name=go"))).To(MatchError(ContainSubstring("identity.port: another port")))
	})

	DescribeTable("is rejected",
		func(ctx SpecContext, change string) {
			Expect(api.Create(ctx, template("spec.protocol=TCP", host, change))).To(MatchError(ContainSubstring("protocol: TCP")))
		},
		Entry("with a save hook, which is HTTP", "spec.save={path: /save}"),
		Entry("with a ready path, which is HTTP", "spec.wake={ready: {path: /ready}}"),
		Entry("with a route that is no host", "spec.routes=[{path: \"/chess/{key}/\"}]"),
	)
})
