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

	DescribeTable("is rejected",
		func(ctx SpecContext, change string) {
			Expect(api.Create(ctx, template("spec.protocol=TCP", host, change))).To(MatchError(ContainSubstring("protocol: TCP")))
		},
		Entry("with a save hook, which is HTTP", "spec.save={path: /save}"),
		Entry("with a ready path, which is HTTP", "spec.wake={ready: {path: /ready}}"),
		Entry("with a route that is no host", "spec.routes=[{path: \"/chess/{key}/\"}]"),
	)
})
