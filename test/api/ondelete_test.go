package api_test

import (
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

// 002-19
var _ = Describe("What runs before a deleted session goes", func() {
	It("is a list of other templates, some of which wait for all before them", func(ctx SpecContext) {
		Expect(api.Create(ctx, template("spec.onDelete={start: [{template: machine}, {template: record}, {template: forget, after: all}]}"))).To(Succeed())
	})

	It("is one of sixteen at most", func(ctx SpecContext) {
		last := func(n int) string {
			var list []string
			for i := range n {
				list = append(list, fmt.Sprintf("{template: t%d}", i))
			}
			return "spec.onDelete={start: [" + strings.Join(list, ",") + "]}"
		}
		Expect(api.Create(ctx, template(last(16)))).To(Succeed())
		Expect(api.Create(ctx, template(last(17), "metadata.name=go"))).To(MatchError(ContainSubstring("spec.onDelete.start")))
	})

	DescribeTable("is rejected",
		func(ctx SpecContext, change, message string) {
			Expect(api.Create(ctx, template(change))).To(MatchError(ContainSubstring(message)))
		},
		Entry("without anything to start", "spec.onDelete={}", "spec.onDelete.start: Required value"),
		Entry("with nothing to start", "spec.onDelete={start: []}", "spec.onDelete.start"),
		Entry("with itself", "spec.onDelete={start: [{template: chess}]}", "spec.onDelete: start: a session cannot start one of its own template"),
		Entry("with one twice", "spec.onDelete={start: [{template: machine}, {template: machine}]}", "Duplicate value"),
		Entry("with something else to wait for", "spec.onDelete={start: [{template: machine, after: any}]}", "spec.onDelete.start[0].after"),
		Entry("with a template of no name", "spec.onDelete={start: [{template: Machine}]}", "spec.onDelete.start[0].template"),
	)
})
