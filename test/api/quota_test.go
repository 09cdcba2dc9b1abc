package api_test

import (
	"os"
	"regexp"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// example is the one quota of the documentation.
var example = regexp.MustCompile("(?s)```yaml\n(apiVersion: v1\nkind: ResourceQuota\n.*?)```")

var _ = Describe("The quota of docs/life.md", func() {
	It("is the hard wall: the API server takes as many Sessions as it says, and refuses the next with its name (000-60)", func(ctx SpecContext) {
		page, err := os.ReadFile("../../docs/life.md")
		Expect(err).NotTo(HaveOccurred())
		blocks := example.FindAllSubmatch(page, -1)
		Expect(blocks).To(HaveLen(1))
		quota := &corev1.ResourceQuota{}
		Expect(yaml.UnmarshalStrict(blocks[0][1], quota)).To(Succeed())
		quota.Namespace = namespace
		Expect(api.Create(ctx, quota)).To(Succeed())

		const sessions = "count/sessions.sessions.dormouse.dev"
		most, ok := quota.Spec.Hard[sessions]
		Expect(ok).To(BeTrue())
		used := func(n int64) { // as the controller of quotas counts, which does not run here
			next := quota.DeepCopy()
			next.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: corev1.ResourceList{
				sessions: *resource.NewQuantity(n, resource.DecimalSI), corev1.ResourcePods: resource.MustParse("0"),
			}}
			Expect(api.Status().Patch(ctx, next, client.MergeFrom(quota))).To(Succeed())
			quota = next
		}
		try := func() error { return api.Create(ctx, session("a"), client.DryRunAll) }
		used(most.Value())
		Eventually(ctx, try).Should(MatchError(ContainSubstring("exceeded quota: sessions, requested: " + sessions + "=1")))
		used(most.Value() - 1)
		Eventually(ctx, try).Should(Succeed())
	})
})
