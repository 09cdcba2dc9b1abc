package alarm

import (
	"context"
	"sync/atomic"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/event"
	metricsserver "sigs.k8s.io/controller-runtime/pkg/metrics/server"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

func requestFor(s *v1alpha1.Session) ctrl.Request {
	return ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)}
}

var _ = Describe("The controller", func() {
	It("comes at the second of an alarm, and for sessions whose template comes back (000-57)", func(ctx SpecContext) {
		m, err := ctrl.NewManager(server.Config, ctrl.Options{Scheme: api.Scheme(), Metrics: metricsserver.Options{BindAddress: "0"}})
		Expect(err).NotTo(HaveOccurred())
		byTemplate := func(o client.Object) []string { return []string{o.(*v1alpha1.Session).Spec.Template} }
		Expect(m.GetFieldIndexer().IndexField(ctx, &v1alpha1.Session{}, v1alpha1.FieldTemplate, byTemplate)).To(Succeed())
		cached := &counting{Client: m.GetClient()}
		r := &Reconciler{Client: cached, Live: m.GetAPIReader(), Events: m.GetEventRecorder("dormouse-operator"), Now: time.Now}
		Expect(r.SetupWithManager(m)).To(Succeed())
		run(m)

		template := GivenTemplate(ctx)
		due := time.Now().Truncate(time.Second).Add(3 * time.Second)
		alarm := v1alpha1.Alarm(due.UTC().Format(time.RFC3339))
		s := GivenSession(ctx, alarms(alarm))
		Eventually(ctx, func() *v1alpha1.Activity { return Now(ctx, s).Status.Activity }).WithTimeout(10 * time.Second).ShouldNot(BeNil())
		now := Now(ctx, s)
		Expect(now.Status.LastAlarm.Time).To(BeTemporally("==", due))
		Expect(now.Status.Activity.Time.Sub(due)).To(And(BeNumerically(">=", 0), BeNumerically("<", time.Second)))

		Expect(api.Delete(ctx, template)).To(Succeed())
		Eventually(ctx, func() bool {
			return apierrors.IsNotFound(m.GetClient().Get(ctx, client.ObjectKeyFromObject(template), template))
		}).Should(BeTrue())
		later, before := due.Add(time.Second), cached.missed.Load()
		Change(ctx, s, alarms(v1alpha1.Alarm(later.UTC().Format(time.RFC3339))))
		Eventually(ctx, cached.missed.Load).Should(BeNumerically(">", before), "the session was not left alone")
		GivenTemplate(ctx)
		Eventually(ctx, func() time.Time { return Now(ctx, s).Status.LastAlarm.Time }).WithTimeout(10 * time.Second).Should(BeTemporally("==", later))
	})

	DescribeTable("looks at a session only when its times may have changed (000-27)",
		func(before, after *v1alpha1.Session, generation int64, want bool) {
			after.Generation = generation
			Expect(newTimes.Update(event.UpdateEvent{ObjectOld: before, ObjectNew: after})).To(Equal(want))
		},
		Entry("a touch", given(alarms("2026-01-02T13:00:00Z")), given(alarms("2026-01-02T13:00:00Z")), int64(1), false),
		Entry("an alarm is set", given(), given(alarms("2026-01-02T13:00:00Z")), int64(2), true),
		Entry("the last alarm is taken away", given(alarms("2026-01-02T13:00:00Z")), given(), int64(2), false),
		Entry("the schedule is taken away", given(scheduled("* * * * *", "")), given(observedSchedule), int64(2), true),
		Entry("another change, and no times", given(), given(), int64(2), false),
	)
})

// counting counts how often there was no template.
type counting struct {
	client.Client
	missed atomic.Int32
}

func (c *counting) Get(ctx context.Context, name client.ObjectKey, o client.Object, options ...client.GetOption) error {
	err := c.Client.Get(ctx, name, o, options...)
	if _, ok := o.(*v1alpha1.SessionTemplate); ok && apierrors.IsNotFound(err) {
		c.missed.Add(1)
	}
	return err
}

func given(options ...option) *v1alpha1.Session {
	s := &v1alpha1.Session{}
	s.Generation = 1
	for _, o := range options {
		o(s)
	}
	return s
}

func observedSchedule(s *v1alpha1.Session) {
	s.Status.Schedule = &v1alpha1.ObservedSchedule{Cron: "* * * * *"}
}

// run runs the manager until the story ends.
func run(m ctrl.Manager) {
	ctx, cancel := context.WithCancel(context.Background())
	var ended atomic.Pointer[error]
	go func() {
		err := m.Start(ctx)
		ended.Store(&err)
	}()
	DeferCleanup(func() {
		cancel()
		Eventually(ended.Load).ShouldNot(BeNil())
		Expect(*ended.Load()).NotTo(HaveOccurred())
	})
}
