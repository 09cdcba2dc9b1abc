package e2e

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = It("wakes a sleeping session at its alarm, never before, and lets it sleep again (000-27, 000-57, 002-25)", func(ctx SpecContext) {
	w := Given(ctx, "alarm", Idle(5*time.Second), Saved())
	Expect(w.Count(ctx, "a")).To(Served("a", 1))
	w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Eventually(ctx, w.pods).Should(BeEmpty())

	due := time.Now().Truncate(time.Second).Add(4 * time.Second)
	w.Change(ctx, "a", func(spec *v1alpha1.SessionSpec) {
		spec.Alarms = []v1alpha1.Alarm{v1alpha1.Alarm(due.UTC().Format(time.RFC3339))}
	})
	var pod corev1.Pod
	Eventually(ctx, func(ctx context.Context) error {
		return cl.api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: template + ".a"}, &pod)
	}).WithPolling(20 * time.Millisecond).Should(Succeed())
	seen := time.Now()
	Expect(pod.CreationTimestamp.Time).To(BeTemporally(">=", due), "the pod was made")

	s := w.Becomes(ctx, "a", v1alpha1.PhaseAwake, time.Minute)
	Expect(s.Status.LastAlarm.Time).To(BeTemporally("==", due))
	Expect(s.Status.Activity.Source).To(Equal(v1alpha1.SourceAlarm))
	late := s.Status.Activity.Time.Sub(due)
	Expect(late).To(BeNumerically(">=", 0), "the touch")

	s = w.Becomes(ctx, "a", v1alpha1.PhaseAsleep, time.Minute)
	Expect(s.Status.Epoch).To(BeEquivalentTo(2), "it was woken once")
	Expect(w.Count(ctx, "a")).To(Served("a", 3))
	say("touched %s after its alarm, its pod seen %s after", ms(late), ms(seen.Sub(due)))
}, SpecTimeout(5*time.Minute))

var _ = It("follows a schedule in any time zone, though the operator's image has none (003-05)", func(ctx SpecContext) {
	w := Given(ctx, "schedule", Idle(time.Second))
	Expect(w.Get(ctx, "a")).To(Served("a", 1))
	w.Change(ctx, "a", func(spec *v1alpha1.SessionSpec) { spec.Schedule, spec.TimeZone = "0 6 * * mon-fri", "Pacific/Chatham" })
	Eventually(ctx, func(ctx context.Context) *v1alpha1.ObservedSchedule { return w.Session(ctx, "a").Status.Schedule }).ShouldNot(BeNil())
	s := w.Session(ctx, "a")
	Expect(s.Status.Schedule.TimeZone).To(Equal("Pacific/Chatham"))
	Expect(meta.FindStatusCondition(s.Status.Conditions, v1alpha1.ConditionScheduled)).To(BeNil())
}, SpecTimeout(5*time.Minute))

// Change changes what is asked for of the session of a key, as a person would.
func (w *world) Change(ctx context.Context, key string, change func(*v1alpha1.SessionSpec)) {
	GinkgoHelper()
	before := w.Session(ctx, key)
	after := before.DeepCopy()
	change(&after.Spec)
	Expect(cl.api.Patch(ctx, after, client.MergeFrom(before))).To(Succeed())
}
