package api_test

import (
	"os"
	"regexp"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// blocks are the YAML of a page.
var blocks = regexp.MustCompile("(?s)```yaml\n(.*?)```")

// What a reader copies is taken as it stands: no field that is not there, none that is wrong.
var _ = DescribeTable("The whole objects of a page are taken", func(ctx SpecContext, page string, objects int) {
	text, err := os.ReadFile("../../" + page)
	Expect(err).NotTo(HaveOccurred())
	taken := 0
	for _, block := range blocks.FindAllStringSubmatch(string(text), -1) {
		for _, document := range strings.Split(block[1], "---\n") {
			if !strings.HasPrefix(document, "apiVersion: ") {
				continue
			}
			err := api.Create(ctx, object(document), client.DryRunAll, client.FieldValidation("Strict"))
			if meta.IsNoMatchError(err) {
				continue // as of the Gateway API, whose kinds are not of this API server
			}
			Expect(err).NotTo(HaveOccurred(), document)
			taken++
		}
	}
	Expect(taken).To(Equal(objects))
},
	Entry(nil, "README.md", 1),
	Entry(nil, "docs/life.md", 1),
	Entry(nil, "docs/operations.md", 1),
	Entry(nil, "docs/security.md", 1),
)
