package session

import (
	"context"
	"errors"
	"fmt"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/lifecycle"
)

// Destroyed is a template whose sessions have last sessions.
func Destroyed(last ...v1alpha1.StartSpec) templateOption {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.OnDelete = &v1alpha1.OnDeleteSpec{Start: last} }
}

// GivenTasks makes templates of work.
func GivenTasks(ctx context.Context, names ...string) {
	GinkgoHelper()
	for _, name := range names {
		GivenTemplate(ctx, AsTask(name), Restarted(v1alpha1.RestartTemporary, 0))
	}
}

// GivenDeleted is a session that ran, has slept and is deleted.
func GivenDeleted(ctx context.Context, key string) *v1alpha1.Session {
	GinkgoHelper()
	s := GivenWantedOf(ctx, "chess", key, "alice")
	Touch(ctx, s)
	Expect(Does(ctx, s, 0)).To(HavePhase(v1alpha1.PhaseAsleep))
	Expect(api.Delete(ctx, s)).To(Succeed())
	return s
}

// Turns has a new operator for each of some turns: nothing of a deletion is in an operator's memory.
func Turns(ctx context.Context, s *v1alpha1.Session, count int) *v1alpha1.Session {
	GinkgoHelper()
	for range count {
		r = NewOperator()
		Turn(ctx, s)
	}
	return Now(ctx, s)
}

// Goes has a session that nothing holds take its turns until it is gone.
func Goes(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	for range 8 {
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Second)) // in which it was made, perhaps
	}
	Expect(exists(ctx, s.Name)).To(BeFalse(), "it is not let go")
}

func exists(ctx context.Context, name string) bool {
	GinkgoHelper()
	err := api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, &v1alpha1.Session{})
	Expect(client.IgnoreNotFound(err)).To(Succeed())
	return err == nil
}

func lastStates(s *v1alpha1.Session) (states []v1alpha1.StartedState) {
	for _, o := range s.Status.OnDelete {
		states = append(states, o.State)
	}
	return states
}

// change edits a template.
func change(ctx context.Context, name string, edit templateOption) {
	GinkgoHelper()
	t := &v1alpha1.SessionTemplate{}
	Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, t)).To(Succeed())
	edit(t)
	Expect(api.Update(ctx, t)).To(Succeed())
}

var _ = Describe("A deleted session", func() {
	const waits, runs, done, failed = v1alpha1.StartedWaiting, v1alpha1.StartedRuns, v1alpha1.StartedCompleted, v1alpha1.StartedFailed
	BeforeEach(func(ctx SpecContext) { GivenTasks(ctx, "machine", "record", "forget") })

	It("has its last sessions run, two at once and then a third, and nothing is left of them (002-19, 002-13, 002-18, 002-20)", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}, v1alpha1.StartSpec{Template: "record"}, v1alpha1.StartSpec{Template: "forget", After: "all"}))
		s := GivenDeleted(ctx, "a")
		now := Turns(ctx, s, 3)
		Expect(lastStates(now)).To(Equal([]v1alpha1.StartedState{runs, runs, waits}))
		Expect(now).To(And(HavePhase(v1alpha1.PhaseStopping), HaveReason(v1alpha1.ReasonDestroying)))
		Expect(StartedNames(now)).To(Equal([]string{"machine.a", "record.a", "forget.a"}), "the end of one would not be heard of")

		first := Named(ctx, "machine.a")
		Expect(first.Spec.Tenant).To(Equal("alice"))
		Expect(*first.Spec.Input).To(MatchJSON(handOver(now)))
		Expect(*first.Spec.Input).To(ContainSubstring(`"startedBy":"chess.a"`))
		Expect(first.Annotations).To(And(HaveKeyWithValue(v1alpha1.AnnotationStartedBy, "chess.a"), HaveKeyWithValue(v1alpha1.AnnotationStartedFor, string(now.UID))))
		Expect(first.OwnerReferences).To(BeEmpty(), "a foreground deletion would take it away while it runs")

		Does(ctx, first, 0)
		Expect(lastStates(Turns(ctx, s, 3))).To(Equal([]v1alpha1.StartedState{done, runs, waits}))
		Does(ctx, Named(ctx, "record.a"), 0)
		Expect(lastStates(Turns(ctx, s, 3))).To(Equal([]v1alpha1.StartedState{done, done, runs}))
		Does(ctx, Named(ctx, "forget.a"), 0)
		Turns(ctx, s, 3)
		Expect(exists(ctx, s.Name)).To(BeTrue(), "it went before its last sessions did")
		for _, last := range []string{"machine.a", "record.a", "forget.a"} {
			Goes(ctx, Named(ctx, last))
		}
		Goes(ctx, s)
		Expect(names(ctx, &v1alpha1.SessionList{})).To(BeEmpty())
	})

	It("says in events when they begin and that all have completed", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s := GivenDeleted(ctx, "a")
		Turn(ctx, s)
		Eventually(recorder.Events).Should(Receive(Equal("Normal Destroying The last sessions of this one run before it goes")))
		Turn(ctx, s)
		Does(ctx, Named(ctx, "machine.a"), 0)
		Turn(ctx, s)
		Turn(ctx, s)
		Goes(ctx, Named(ctx, "machine.a"))
		Goes(ctx, s)
		Eventually(recorder.Events).Should(Receive(Equal("Normal Destroyed All last sessions are completed")))
	})

	It("is drained, saved and stopped before they run", func(ctx SpecContext) {
		GivenTemplate(ctx, Saved(), Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s := GivenAwake(ctx, "a")
		Expect(api.Delete(ctx, s)).To(Succeed())
		Turn(ctx, s)
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Turn(ctx, s)
		Expect(saves.asked).To(Equal(1))
		Expect(names(ctx, &v1alpha1.SessionList{})).To(ConsistOf("chess.a"), "a last session runs beside the pod")
		Ends(ctx, s, 0, "bye")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		for range 4 {
			Turn(ctx, s)
		}
		Expect(Pod(ctx, s)).To(BeNil())
		Expect(*Named(ctx, "machine.a").Spec.Input).To(ContainSubstring(`"message":"bye"`))
	})

	It("that never ran goes at once, and so does a last session", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s := GivenSession(ctx, "a")
		s.Finalizers = []string{v1alpha1.Finalizer}
		Expect(api.Update(ctx, s)).To(Succeed())
		Expect(api.Delete(ctx, s)).To(Succeed())
		Goes(ctx, s)
		Expect(names(ctx, &v1alpha1.SessionList{})).To(BeEmpty())

		change(ctx, "machine", Destroyed(v1alpha1.StartSpec{Template: "chess"}))
		s = GivenDeleted(ctx, "b")
		Turn(ctx, s)
		Turn(ctx, s)
		Does(ctx, Named(ctx, "machine.b"), 0)
		last := Named(ctx, "machine.b")
		Expect(api.Delete(ctx, last)).To(Succeed())
		Goes(ctx, last)
	})

	It("is one whose lifetime is over, too", func(ctx SpecContext) {
		GivenTemplate(ctx, LastingAsleep(time.Hour), Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Does(ctx, s, 0)
		clk.SetTime(clk.Now().Add(2 * time.Hour))
		Expect(Turns(ctx, s, 4)).To(HaveReason(v1alpha1.ReasonDestroying))
		Expect(exists(ctx, "machine.a")).To(BeTrue())
	})

	It("is held by one that fails for good, until that is deleted and does its work (002-04)", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}, v1alpha1.StartSpec{Template: "forget", After: "all"}))
		s := GivenDeleted(ctx, "a")
		Turns(ctx, s, 3)
		Expect(Does(ctx, Named(ctx, "machine.a"), 1)).To(HaveReason(v1alpha1.ReasonGaveUp))
		now := Turns(ctx, s, 4)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseStopping), HaveReason(v1alpha1.ReasonStartedFailed)))
		Expect(lastStates(now)).To(Equal([]v1alpha1.StartedState{failed, waits}))
		Expect(Turn(ctx, s)).To(BeZero(), "it is looked at for nothing")

		broken := Named(ctx, "machine.a")
		Expect(api.Delete(ctx, broken)).To(Succeed())
		Goes(ctx, broken)
		Expect(Turns(ctx, s, 3)).To(HaveReason(v1alpha1.ReasonDestroying))
		Expect(Named(ctx, "machine.a").UID).NotTo(Equal(broken.UID), "it does not run again")
		Does(ctx, Named(ctx, "machine.a"), 0)
		Expect(lastStates(Turns(ctx, s, 3))).To(Equal([]v1alpha1.StartedState{done, runs}))
	})

	It("does not take from a cache that one is gone which was there", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s := GivenDeleted(ctx, "a")
		before := Turns(ctx, s, 3)
		r.Client = interceptor.NewClient(api, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, name client.ObjectKey, o client.Object, opts ...client.GetOption) error {
				if name.Name == "machine.a" {
					return apierrors.NewNotFound(v1alpha1.GroupVersion.WithResource("sessions").GroupResource(), name.Name)
				}
				return c.Get(ctx, name, o, opts...)
			},
		})
		Expect(Reconciled(ctx, s).Status.OnDelete).To(Equal(before.Status.OnDelete))
	})

	It("neither takes nor deletes another's session of the name of a last one", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		others := GivenOf(ctx, "machine", "a")
		Expect(Does(ctx, others, 0)).To(HavePhase(v1alpha1.PhaseCompleted))
		s := GivenDeleted(ctx, "a")
		now := Turns(ctx, s, 4)
		Expect(now).To(And(HavePhase(v1alpha1.PhaseStopping), HaveReason(v1alpha1.ReasonSessionNameTaken)))
		Expect(lastStates(now)).To(Equal([]v1alpha1.StartedState{failed}))
		Expect(Named(ctx, "machine.a").UID).To(Equal(others.UID))
		Expect(Named(ctx, "machine.a").DeletionTimestamp).To(BeNil())

		Expect(api.Delete(ctx, others)).To(Succeed())
		Expect(Turns(ctx, s, 3)).To(HaveReason(v1alpha1.ReasonDestroying), "it does not wait for what goes")
		Expect(Named(ctx, "machine.a").UID).To(Equal(others.UID))
		Goes(ctx, others)
		Turns(ctx, s, 3)
		Expect(Named(ctx, "machine.a").Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationStartedFor, string(s.UID)))
	})

	It("takes another's for its own when somebody says so", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		others := GivenOf(ctx, "machine", "a")
		Does(ctx, others, 0)
		s := GivenDeleted(ctx, "a")
		Expect(Turns(ctx, s, 3)).To(HaveReason(v1alpha1.ReasonSessionNameTaken))
		given := Now(ctx, others)
		given.Annotations = map[string]string{v1alpha1.AnnotationStartedFor: string(s.UID)}
		Expect(api.Update(ctx, given)).To(Succeed())
		Turns(ctx, s, 2)
		Goes(ctx, others)
		Goes(ctx, s)
		Expect(names(ctx, &v1alpha1.SessionList{})).To(BeEmpty())
	})

	It("goes when its template asks for last sessions no more, and when there is no template; both are told", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s, other := GivenDeleted(ctx, "a"), GivenDeleted(ctx, "b")
		Turns(ctx, s, 3)
		Turns(ctx, other, 3)
		t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess"}}
		Expect(r.ofTemplate(ctx, t)).To(ConsistOf(
			ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)}, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(other)}), "they would not hear of it")

		change(ctx, "chess", func(t *v1alpha1.SessionTemplate) { t.Spec.OnDelete = nil })
		Goes(ctx, s)
		Eventually(recorder.Events).Should(Receive(ContainSubstring("Warning DestroySkipped The template is gone")))
		change(ctx, "chess", Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		Turns(ctx, other, 3)
		Expect(api.Delete(ctx, t)).To(Succeed())
		Goes(ctx, other)
		Expect(names(ctx, &v1alpha1.SessionList{})).To(ConsistOf("machine.a", "machine.b"), "what was started is not ours to judge")
	})

	It("says so when the API server refuses its last sessions, and tries again", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}, v1alpha1.StartSpec{Template: "forget", After: "all"}))
		s := GivenDeleted(ctx, "a")
		Turn(ctx, s)
		refuses := apierrors.NewForbidden(v1alpha1.GroupVersion.WithResource("sessions").GroupResource(), "machine.a", nil)
		r.Client = interceptor.NewClient(api, interceptor.Funcs{
			Create: func(context.Context, client.WithWatch, client.Object, ...client.CreateOption) error { return refuses },
		})
		for range 2 {
			_, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)})
			Expect(apierrors.IsForbidden(err)).To(BeTrue(), "it is not tried again: %v", err)
		}
		Expect(Now(ctx, s)).To(And(HavePhase(v1alpha1.PhaseStopping), HaveReason(v1alpha1.ReasonSessionRejected)))
		Eventually(recorder.Events).Should(Receive(ContainSubstring("Warning SessionRejected")))
		r.Client = api
		Turn(ctx, s)
		Expect(Reconciled(ctx, s)).To(HaveReason(v1alpha1.ReasonDestroying))
		Does(ctx, Named(ctx, "machine.a"), 0)
		Turn(ctx, s)
		Expect(Reconciled(ctx, s)).To(HaveReason(v1alpha1.ReasonDestroying), "it tells of a refusal that is over")
		Expect(exists(ctx, "forget.a")).To(BeTrue())
	})

	It("never holds up the end of its namespace", func(ctx SpecContext) {
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		made, taken, fresh := GivenDeleted(ctx, "a"), GivenDeleted(ctx, "b"), GivenDeleted(ctx, "c")
		others := GivenOf(ctx, "machine", "b")
		others.Finalizers = []string{v1alpha1.Finalizer} // it waits for something else
		Expect(api.Update(ctx, others)).To(Succeed())
		Turns(ctx, made, 3)
		Expect(Turns(ctx, taken, 3)).To(HaveReason(v1alpha1.ReasonSessionNameTaken))

		Expect(api.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "probe-"}}
		Eventually(ctx, func(ctx context.Context) bool {
			return apierrors.HasStatusCause(api.Create(ctx, probe.DeepCopy()), corev1.NamespaceTerminatingCause)
		}).Should(BeTrue(), "the API server's admission has not heard of it")
		for _, s := range []*v1alpha1.Session{Named(ctx, "machine.a"), others} { // as the namespace's controller does
			Expect(api.Delete(ctx, s)).To(Succeed())
		}
		for _, s := range []*v1alpha1.Session{made, taken, fresh} {
			Goes(ctx, s)
			Eventually(recorder.Events).Should(Receive(ContainSubstring("Warning DestroySkipped The namespace is being deleted")))
		}
		Expect(names(ctx, &v1alpha1.SessionList{})).To(ConsistOf("machine.b"))
	})

	It("frees its turn in a rollout before they run", func(ctx SpecContext) {
		GivenTemplate(ctx, func(t *v1alpha1.SessionTemplate) { t.Spec.Rollout = v1alpha1.RolloutDrain }, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s := GivenAwake(ctx, "a")
		change(ctx, "chess", func(t *v1alpha1.SessionTemplate) { t.Spec.Template.Spec.Containers[0].Image = "localhost/table:2" })
		Turn(ctx, s)
		Expect(Now(ctx, s)).To(HavePhase(v1alpha1.PhaseDraining), "it is not rolled out")
		Expect(api.Delete(ctx, s)).To(Succeed())
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Ends(ctx, s, 0, "")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		for range 3 {
			Turn(ctx, s)
		}
		Expect(Now(ctx, s)).To(HaveReason(v1alpha1.ReasonDestroying))
		Expect(r.Rollouts.Take(rolloutOf(&world{session: GivenSession(ctx, "b")}))).To(BeTrue(), "it holds up the others")
	})
})

// quits is an operator that ends before its write number at, counted from zero. made counts the sessions that it makes.
func quits(at int, made map[string]int) {
	writes := 0
	write := func(done func() error) error {
		if writes++; writes > at {
			return errors.New("the operator has crashed")
		}
		return done()
	}
	r = NewOperator()
	r.Client = interceptor.NewClient(api, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			return write(func() error {
				made[o.GetName()]++
				return c.Create(ctx, o, opts...)
			})
		},
		Delete: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			return write(func() error { return c.Delete(ctx, o, opts...) })
		},
		Patch: func(ctx context.Context, c client.WithWatch, o client.Object, p client.Patch, opts ...client.PatchOption) error {
			return write(func() error { return c.Patch(ctx, o, p, opts...) })
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			return write(func() error { return c.SubResource(sub).Patch(ctx, o, p, opts...) })
		},
	})
}

// complete has every last session that there is do its work.
func complete(ctx context.Context) {
	GinkgoHelper()
	var all v1alpha1.SessionList
	Expect(api.List(ctx, &all, client.InNamespace(namespace))).To(Succeed())
	for i := range all.Items {
		s := &all.Items[i]
		if s.Spec.Template == "chess" || s.Status.Phase == v1alpha1.PhaseCompleted {
			continue
		}
		s.Status.Phase = v1alpha1.PhaseCompleted
		setReady(s, lifecycle.ReasonCompleted, clk.Now())
		Expect(api.Status().Update(ctx, s)).To(Succeed())
	}
}

var _ = Describe("The end of a deleted session", func() {
	It("is the same wherever its operator crashes, and each last session runs once (002-19, 002-20)", func(ctx SpecContext) {
		GivenTasks(ctx, "machine", "record")
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}, v1alpha1.StartSpec{Template: "record", After: "all"}))
		crashes := 0
		for crashed := true; crashed; crashes++ {
			s := GivenDeleted(ctx, fmt.Sprintf("a%d", crashes))
			made := map[string]int{}
			quits(crashes, made)
			crashed = false
			for turn := 0; exists(ctx, s.Name); turn++ {
				Expect(turn).To(BeNumerically("<", 40), "it is held after a crash before write %d", crashes)
				if _, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)}); err != nil {
					Expect(err).To(MatchError(ContainSubstring("has crashed")))
					crashed = true
					quits(1000, made)
				}
				complete(ctx)
				clk.SetTime(clk.Now().Add(time.Second)) // in which they were made, perhaps
			}
			Expect(names(ctx, &v1alpha1.SessionList{})).To(BeEmpty(), "left after a crash before write %d", crashes)
			Expect(made).To(Equal(map[string]int{"machine." + s.Spec.Key: 1, "record." + s.Spec.Key: 1}), "crash before write %d", crashes)
		}
		Expect(crashes).To(BeNumerically(">", 8), "there were fewer writes than there must be")
	})

	It("is not played again by a late former leader for one that was made again (000-33)", func(ctx SpecContext) {
		GivenTasks(ctx, "machine")
		GivenTemplate(ctx, Destroyed(v1alpha1.StartSpec{Template: "machine"}))
		s := GivenDeleted(ctx, "a")
		before := Reconciled(ctx, s)
		Expect(before.Status.OnDelete).To(HaveLen(1))
		former := NewOperator()
		former.Client = interceptor.NewClient(api, interceptor.Funcs{
			Get: func(ctx context.Context, c client.WithWatch, name client.ObjectKey, o client.Object, opts ...client.GetOption) error {
				if found, ok := o.(*v1alpha1.Session); ok && name.Name == s.Name {
					before.DeepCopyInto(found)
					return nil
				}
				return c.Get(ctx, name, o, opts...)
			},
		})
		for turn := 0; exists(ctx, s.Name); turn++ {
			Expect(turn).To(BeNumerically("<", 20), "it is not let go")
			Turn(ctx, s)
			complete(ctx)
			clk.SetTime(clk.Now().Add(time.Second)) // in which they were made, perhaps
		}
		again := GivenSession(ctx, "a")
		r = former
		Turn(ctx, again)
		Expect(names(ctx, &v1alpha1.SessionList{})).To(ConsistOf("chess.a"), "what was made again is destroyed")
	})
})
