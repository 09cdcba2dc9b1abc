package e2e

import (
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Restarts is the restart policy.
func Restarts(policy v1alpha1.RestartPolicy, most int32) option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Restart = v1alpha1.RestartSpec{Policy: policy, Max: &most, Within: &metav1.Duration{Duration: 5 * time.Minute}}
	}
}

var _ = It("keeps a Permanent session up without a request, whatever happens to its process (001-03, 004-27)", func(ctx SpecContext) {
	w := Given(ctx, "permanent", Idle(time.Second), Restarts(v1alpha1.RestartPermanent, 3))
	w.MakeSession(ctx, "a", "")
	s := w.Becomes(ctx, "a", v1alpha1.PhaseAwake, time.Minute)
	Expect(s.Status.Activity).To(BeNil(), "somebody has asked for it")

	Consistently(ctx, func() int64 { return w.Session(ctx, "a").Status.Epoch }).WithTimeout(5 * time.Second).Should(BeEquivalentTo(1))
	Eventually(ctx, func() corev1.PodPhase { return w.Pod(ctx, "a").Status.Phase }).Should(Equal(corev1.PodRunning))
	Expect(cl.kill(ctx, w.Pod(ctx, "a"))).To(Equal(1))
	Eventually(ctx, func() int64 { return w.Session(ctx, "a").Status.Epoch }).Should(BeEquivalentTo(2))
	w.Becomes(ctx, "a", v1alpha1.PhaseAwake, time.Minute)
}, SpecTimeout(5*time.Minute))

var _ = It("leaves a Temporary session that was killed alone until a request comes, and says how it ended (002-14)", func(ctx SpecContext) {
	w := Given(ctx, "temporary", Restarts(v1alpha1.RestartTemporary, 3))
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	Expect(cl.kill(ctx, w.Pod(ctx, "a"))).To(Equal(1))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Expect(*w.Session(ctx, "a").Status.LastExit.Signal).To(BeEquivalentTo(9))
	Eventually(ctx, w.pods).Should(BeEmpty())
	Consistently(ctx, w.pods).WithTimeout(3 * time.Second).Should(BeEmpty())
	Expect(w.Get(ctx, "a")).To(Served("a", 2))
}, SpecTimeout(5*time.Minute))

var _ = It("answers at once how it ended when a session crashes too often, and lets one try after the back-off (000-14, 002-04)", func(ctx SpecContext) {
	w := Given(ctx, "crashing", Restarts(v1alpha1.RestartTransient, 1))
	for epoch := range int64(2) {
		Expect(w.Get(ctx, "a")).To(Served("a", epoch+1))
		Expect(cl.kill(ctx, w.Pod(ctx, "a"))).To(Equal(1))
		Eventually(ctx, func() any { return ptr.Deref(w.Session(ctx, "a").Status.LastExit, v1alpha1.Exit{}).Epoch }).
			Should(BeEquivalentTo(epoch + 1))
	}
	s := w.Becomes(ctx, "a", v1alpha1.PhaseFailed, time.Minute)
	Expect(s.Status.History).To(HaveLen(2))
	a := w.Get(ctx, "a")
	Expect(a).To(Or(Refused(http.StatusServiceUnavailable, "StartFailed"), Served("a", 3)), "2 s of back-off may be over")
	Eventually(ctx, func() answer { return w.Get(ctx, "a") }).WithPolling(500 * time.Millisecond).Should(Served("a", 3))
}, SpecTimeout(5*time.Minute))
