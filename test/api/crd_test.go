package api_test

import (
	"os"
	"path/filepath"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/yaml"

	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

// lastApplied is where client-side apply keeps the whole object; all annotations together have 256 KiB at most.
const (
	lastApplied    = "kubectl.kubernetes.io/last-applied-configuration"
	maxAnnotations = 256 << 10
)

var _ = Describe("A CRD", func() {
	It("is small enough for kubectl apply", func() {
		files, err := filepath.Glob(filepath.Join(apiserver.Root(), "config/crd/*.yaml"))
		Expect(err).NotTo(HaveOccurred())
		Expect(files).To(HaveLen(2))
		for _, file := range files {
			text, err := os.ReadFile(file)
			Expect(err).NotTo(HaveOccurred())
			json, err := yaml.YAMLToJSON(text)
			Expect(err).NotTo(HaveOccurred())
			// The chart adds its labels and annotations: leave room for them.
			Expect(len(lastApplied)+len(json)).To(BeNumerically("<", maxAnnotations-4<<10), file)
		}
	})
})
