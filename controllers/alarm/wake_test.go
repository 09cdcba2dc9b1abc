package alarm

import (
	"context"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gtypes "github.com/onsi/gomega/types"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// HaveRung matches a session that was touched now, for a time.
func HaveRung(source v1alpha1.ActivitySource, due time.Time) gtypes.GomegaMatcher {
	touch := v1alpha1.Activity{Time: metav1.NewMicroTime(clk.Now()), Source: source, By: v1alpha1.ByOperator}
	return And(
		WithTransform(func(s *v1alpha1.Session) bool { return s.Status.Activity.Equal(&touch) }, BeTrue()),
		WithTransform(func(s *v1alpha1.Session) bool { return s.Status.LastAlarm.Time.Equal(due) }, BeTrue()))
}

var _ = Describe("A session with alarms", func() {
	It("is left in peace until its alarm, and touched at it, once (000-27, 000-57)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(10*time.Minute)))
		Expect(LooksInVain(ctx, s)).To(Equal(10 * time.Minute))
		Passes(10*time.Minute - 1)
		Expect(LooksInVain(ctx, s)).To(BeEquivalentTo(1))
		Passes(1)
		now, again := Looked(ctx, s)
		Expect(now).To(HaveRung(v1alpha1.SourceAlarm, clk.Now()))
		Expect(now.Touched()).To(BeTrue(), "a sleeping session would wake")
		Expect(again).To(BeZero())
		Expect(LooksInVain(ctx, s)).To(BeZero())
	})

	It("has them changed at any time, and comes back for the next (000-57)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(10*time.Minute)))
		LooksInVain(ctx, s)
		Change(ctx, s, alarms(In(time.Hour), In(5*time.Minute)))
		Expect(LooksInVain(ctx, s)).To(Equal(5 * time.Minute))
		Passes(5 * time.Minute)
		now, again := Looked(ctx, s)
		Expect(now).To(HaveRung(v1alpha1.SourceAlarm, clk.Now()))
		Expect(again).To(Equal(55 * time.Minute))
		Change(ctx, s, alarms())
		Expect(LooksInVain(ctx, s)).To(BeZero())
	})

	It("is woken once for all that came while no operator ran", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(time.Hour), In(2*time.Hour), In(4*time.Hour)))
		Passes(3 * time.Hour)
		now, again := Looked(ctx, s)
		Expect(now).To(HaveRung(v1alpha1.SourceAlarm, clk.Now().Add(-time.Hour)))
		Expect(again).To(Equal(time.Hour))
	})

	It("is not woken for them then, if it says so", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(time.Hour), In(4*time.Hour)), skipping)
		Passes(3 * time.Hour)
		Expect(LooksInVain(ctx, s)).To(Equal(time.Hour))
	})

	It("is touched later than a gateway whose clock is ahead", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(time.Minute)))
		Passes(time.Minute)
		Becomes(ctx, s, Touched)
		now, _ := Looked(ctx, s)
		Expect(now.Status.Activity.Time.Time).To(BeTemporally("==", clk.Now().Add(time.Second+time.Microsecond)))
		Expect(now.Status.Activity.Source).To(Equal(v1alpha1.SourceAlarm))
	})

	It("is left alone while it is being deleted", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(time.Minute)), func(s *v1alpha1.Session) { s.Finalizers = []string{v1alpha1.Finalizer} })
		Expect(api.Delete(ctx, s)).To(Succeed())
		Passes(time.Minute)
		Expect(LooksInVain(ctx, s)).To(BeZero())
	})

	It("is left alone while it has no template, and woken when that comes back", func(ctx SpecContext) {
		s := GivenSession(ctx, alarms(In(time.Minute)))
		Passes(time.Minute)
		Expect(LooksInVain(ctx, s)).To(BeZero())
		GivenTemplate(ctx)
		now, _ := Looked(ctx, s)
		Expect(now).To(HaveRung(v1alpha1.SourceAlarm, clk.Now()))
	})

	It("is nothing to anybody once it is gone", func(ctx SpecContext) {
		s := GivenSession(ctx, alarms(In(time.Minute)))
		Expect(api.Delete(ctx, s)).To(Succeed())
		Expect(r.Reconcile(ctx, requestFor(s))).To(BeZero())
	})
})

var _ = Describe("A session with a schedule", func() {
	It("is touched at each time of it, in its time zone (003-05)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, scheduled("* * * * *", "Asia/Kathmandu"))
		for range 3 {
			now, again := Looked(ctx, s)
			Expect(now).To(HaveRung(v1alpha1.SourceSchedule, clk.Now()))
			Expect(again).To(Equal(time.Minute))
			Expect(LooksInVain(ctx, s)).To(Equal(again))
			Passes(again)
		}
	})

	It("is only kept awake if it is awake: nothing but the touch is written (003-05)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, scheduled("* * * * *", ""))
		Looked(ctx, s)
		Becomes(ctx, s, func(status *v1alpha1.SessionStatus) {
			status.Phase, status.Epoch = v1alpha1.PhaseAwake, 3
			status.Endpoint = &v1alpha1.Endpoint{UID: "u", Address: "127.1.2.3", Port: 8080}
		})
		before := Now(ctx, s)
		Passes(time.Minute)
		now, _ := Looked(ctx, s)
		Expect(now).To(HaveRung(v1alpha1.SourceSchedule, clk.Now()))
		now.Status.Activity, now.Status.LastAlarm = before.Status.Activity, before.Status.LastAlarm
		Expect(now.Status).To(Equal(before.Status))
		Expect(now.Spec).To(Equal(before.Spec))
	})

	It("keeps what its workload said and still holds, but for the word that it may sleep at once (000-26)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, scheduled("* * * * *", ""))
		Looked(ctx, s)
		Becomes(ctx, s, func(status *v1alpha1.SessionStatus) {
			status.Endpoint = &v1alpha1.Endpoint{UID: "u", Address: "127.1.2.3", Port: 8080}
			status.Activity = &v1alpha1.Activity{Time: metav1.NewMicroTime(clk.Now()), By: "gateway"}
			status.Activity.Busy, status.Activity.IdleAfter = &metav1.Duration{Duration: time.Hour}, &metav1.Duration{Duration: 90 * time.Second}
		})
		Passes(time.Minute)
		now, _ := Looked(ctx, s)
		Expect(now.Status.Activity.Busy.Duration).To(BeNumerically("~", 59*time.Minute, time.Second))
		Expect(now.Status.Activity.IdleAfter.Duration).To(Equal(90 * time.Second))

		Becomes(ctx, s, func(status *v1alpha1.SessionStatus) {
			status.Activity.Busy, status.Activity.IdleAfter = &metav1.Duration{Duration: time.Second}, &metav1.Duration{}
		})
		Passes(time.Minute)
		now, _ = Looked(ctx, s)
		Expect(now.Status.Activity.Busy).To(BeNil())
		Expect(now.Status.Activity.IdleAfter).To(BeNil())
	})

	It("is not woken for times before the schedule was set, or set anew", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx)
		Passes(30 * 24 * time.Hour)
		Change(ctx, s, scheduled("* * * * *", ""))
		now, again := Looked(ctx, s)
		Expect(now.Status.Activity).To(BeNil())
		Expect(again).To(Equal(time.Minute))

		Passes(2 * time.Hour)
		Change(ctx, s, scheduled("*/2 * * * *", ""))
		now, _ = Looked(ctx, s)
		Expect(now.Status.Activity).To(BeNil())
		Expect(now.Status.Schedule.Cron).To(Equal("*/2 * * * *"))
		Change(ctx, s, scheduled("", ""))
		now, again = Looked(ctx, s)
		Expect(now.Status.Schedule).To(BeNil())
		Expect(again).To(BeZero())
	})

	DescribeTable("that cannot be followed says so, once, and why in an event",
		func(ctx SpecContext, cron, zone, words string) {
			GivenTemplate(ctx)
			s := GivenSession(ctx, scheduled(cron, zone), alarms(In(time.Hour)))
			now, again := Looked(ctx, s)
			c := meta.FindStatusCondition(now.Status.Conditions, v1alpha1.ConditionScheduled)
			Expect(c).NotTo(BeNil())
			Expect(c.Status).To(Equal(metav1.ConditionFalse))
			Expect(c.Reason).To(Equal(v1alpha1.ReasonInvalidSchedule))
			Expect(c.Message).To(Equal(v1alpha1.Messages[c.Reason]))
			Expect(recorder.Events).To(Receive(And(ContainSubstring(v1alpha1.ReasonInvalidSchedule), ContainSubstring(words))))
			Expect(again).To(Equal(time.Hour), "its alarms are followed nevertheless")
			LooksInVain(ctx, s)
			Expect(recorder.Events).To(BeEmpty())

			Change(ctx, s, scheduled("* * * * *", ""))
			now, again = Looked(ctx, s)
			Expect(now.Status.Conditions).To(BeEmpty())
			Expect(again).To(Equal(time.Minute))
		},
		Entry("in a field", "0 6 * * funday", "", "funday"),
		Entry("in its zone", "0 6 * * *", "Europe/Atlantis", "Europe/Atlantis"),
		Entry("because it never comes", "0 6 30 2 *", "", "never comes"),
	)

	It("says so no longer when the schedule is taken away", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, scheduled("0 6 * * funday", ""))
		Looked(ctx, s)
		Change(ctx, s, scheduled("", ""))
		now, _ := Looked(ctx, s)
		Expect(now.Status.Conditions).To(BeEmpty())
	})
})

var _ = Describe("A time that two operators look at", func() {
	It("is acted on once, whoever is late: its touch says what it was for in the same write", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(time.Minute)))
		old := Now(ctx, s)
		Passes(time.Minute)
		Looked(ctx, s)
		r.Client = Late(old)
		Passes(time.Second)
		LooksInVain(ctx, s)
	})

	It("is acted on although somebody wrote in between", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, alarms(In(time.Minute)))
		r.Client = Late(Now(ctx, s))
		Passes(time.Minute)
		Becomes(ctx, s, func(status *v1alpha1.SessionStatus) { status.Phase = v1alpha1.PhaseAsleep })
		now, _ := Looked(ctx, s)
		Expect(now).To(HaveRung(v1alpha1.SourceAlarm, clk.Now()))
		Expect(now.Status.Phase).To(Equal(v1alpha1.PhaseAsleep))
	})
})

// Late is a client whose cache still holds an old version of a session.
func Late(old *v1alpha1.Session) client.Client {
	return interceptor.NewClient(api, interceptor.Funcs{
		Get: func(ctx context.Context, c client.WithWatch, name client.ObjectKey, o client.Object, opts ...client.GetOption) error {
			if s, ok := o.(*v1alpha1.Session); ok {
				old.DeepCopyInto(s)
				return nil
			}
			return c.Get(ctx, name, o, opts...)
		},
	})
}
