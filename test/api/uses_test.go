package api_test

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("A SessionTemplate is accepted for",
	func(ctx SpecContext, changes ...string) {
		Expect(api.Create(ctx, template(changes...))).To(Succeed())
	},
	Entry("development, without a save and awake for a month (000-23)", "spec.idle={after: 720h}"),
	Entry("what is idle for hours and needed again (000-51)", "spec.idle={after: 4h}", "spec.save={path: /save}"),
	Entry("the one room that there is (004-26)", `spec.key={pattern: lobby, onMissing: Create}`, `spec.routes=[{path: "/{key}/"}]`),
)
