package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = DescribeTable("tells whoever waits why a session does not start, long before wake.timeout (000-04, 000-19, 001-06, 001-18, 002-15)",
	func(ctx SpecContext, broken option, cause, detail string) {
		w := Given(ctx, "failing", broken, WakeTimeout(2*time.Minute))

		a := w.Get(ctx, "a")

		Expect(a).To(Refused(http.StatusServiceUnavailable, "StartFailed"))
		Expect(a.Took).To(BeNumerically("<", time.Minute))
		Expect(a.Cause).To(Equal(cause))
		Expect(a.Detail).To(ContainSubstring(detail))
		Expect(w.Session(ctx, "a").Status.Failures).To(HaveField("Count", BeEquivalentTo(1)))
		say("%s: 503 after %s: %s: %s", cause, ms(a.Took), a.Cause, a.Detail)
	},
	Entry("a container that ends at once", Failing("3"), "Error", "exit code 3: the table has no legs", SpecTimeout(5*time.Minute)),
	Entry("an image that is not there", Image("localhost/dormouse/nothing:dev"), "ImagePullBackOff", "localhost/dormouse/nothing:dev", SpecTimeout(5*time.Minute)),
)
