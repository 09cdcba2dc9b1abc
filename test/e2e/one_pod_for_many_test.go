package e2e

import (
	"net/http"
	"slices"
	"sync"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
)

var _ = It("starts one pod for 200 first callers at once, and answers all of them (000-03, 000-21, 001-09, 004-05)", func(ctx SpecContext) {
	const callers = 200
	w := Given(ctx, "crowd")

	answers, errs := make([]answer, callers), make([]error, callers)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			<-start
			answers[i], errs[i] = w.gateways[i%len(w.gateways)].do(ctx, http.MethodPost, w.path("a"))
		})
	}
	close(start)
	all.Wait()

	counts, slowest := map[int64]bool{}, time.Duration(0)
	for i, a := range answers {
		Expect(errs[i]).NotTo(HaveOccurred())
		Expect(a).To(Served("a", 1))
		Expect(a.UID).To(Equal(answers[0].UID), "a second pod")
		counts[a.Count] = true
		slowest = max(slowest, a.Took)
	}
	Expect(counts).To(HaveLen(callers), "each request was sent to the pod once")
	Expect(w.pods(ctx)).To(HaveLen(1))
	fastest := slices.MinFunc(answers, func(a, b answer) int { return int(a.Took - b.Took) })
	say("%d callers through %d gateways: %d times 200 from one pod, the first after %s, the last after %s",
		callers, len(w.gateways), callers, ms(fastest.Took), ms(slowest))
}, SpecTimeout(5*time.Minute))
