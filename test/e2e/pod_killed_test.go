package e2e

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

var _ = DescribeTable("answers from a new epoch after somebody has deleted the pod (004-01, 004-03, 004-25)",
	func(ctx SpecContext, how ...client.DeleteOption) {
		w := Given(ctx, "deleted")
		first := w.Get(ctx, "a")
		Expect(first).To(Served("a", 1))

		pod := w.Pod(ctx, "a")
		Expect(cl.api.Delete(ctx, &pod, how...)).To(Succeed())
		began := time.Now()
		w.Unpublishes(ctx, "a", pod)
		noticed := time.Since(began)

		second := w.Get(ctx, "a")
		for second.Epoch == first.Epoch { // of a gateway that has not heard of it, while the pod has its grace period
			Expect(second).To(Served("a", 1))
			second = w.Get(ctx, "a")
		}
		Expect(second).To(Served("a", 2))
		Expect(second.UID).NotTo(Equal(first.UID))
		Expect(w.pods(ctx)).To(HaveLen(1))
		say("deleted: unpublished after %s, the next request was answered in %s", ms(noticed), ms(second.Took))
	},
	Entry("kubectl delete pod", SpecTimeout(5*time.Minute)),
	Entry("kubectl delete pod --force", client.GracePeriodSeconds(0), SpecTimeout(5*time.Minute)),
)
