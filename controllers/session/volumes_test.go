package session

import (
	"context"
	"fmt"
	"strconv"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// Keeping gives each session a claim of each of these names.
func Keeping(names ...string) templateOption {
	return func(t *v1alpha1.SessionTemplate) {
		for _, name := range names {
			c := v1alpha1.VolumeClaimTemplate{Metadata: v1alpha1.VolumeClaimMetadata{Name: name}}
			c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
			c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Mi")}
			t.Spec.VolumeClaimTemplates = append(t.Spec.VolumeClaimTemplates, c)
			mount := corev1.VolumeMount{Name: name, MountPath: "/" + name}
			t.Spec.Template.Spec.Containers[0].VolumeMounts = append(t.Spec.Template.Spec.Containers[0].VolumeMounts, mount)
		}
	}
}

// ClaimOf is the claim of that name of a session's, or nil.
func ClaimOf(ctx context.Context, s *v1alpha1.Session, name string) *corev1.PersistentVolumeClaim {
	GinkgoHelper()
	c := &corev1.PersistentVolumeClaim{}
	err := api.Get(ctx, client.ObjectKey{Namespace: s.Namespace, Name: name + "." + s.Name}, c)
	if apierrors.IsNotFound(err) {
		return nil
	}
	Expect(err).NotTo(HaveOccurred())
	return c
}

// Loses removes a claim at once: nobody here protects it.
func Loses(ctx context.Context, s *v1alpha1.Session, name string) {
	GinkgoHelper()
	c := ClaimOf(ctx, s, name)
	Expect(c).NotTo(BeNil())
	c.Finalizers = nil
	Expect(api.Update(ctx, c)).To(Succeed())
	Expect(api.Delete(ctx, c)).To(Succeed())
	Expect(ClaimOf(ctx, s, name)).To(BeNil())
}

// FallsAsleep is a session that was awake and has no pod any more.
func FallsAsleep(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	Ends(ctx, s, 0, "")
	Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAsleep))
	clk.SetTime(clk.Now().Add(time.Minute))
	Turn(ctx, s)
	Expect(Pod(ctx, s)).To(BeNil())
}

// Wakes is a touch and the turns up to a pod with an address.
func Wakes(ctx context.Context, s *v1alpha1.Session) *v1alpha1.Session {
	GinkgoHelper()
	StartsLater(ctx, s)
	Runs(ctx, s)
	return Reconciled(ctx, s)
}

// StartsLater is a touch, after the back-off, and the turn that makes the pod.
func StartsLater(ctx context.Context, s *v1alpha1.Session) {
	GinkgoHelper()
	clk.SetTime(clk.Now().Add(10 * time.Minute))
	Turn(ctx, s)
	Touch(ctx, s)
	Turn(ctx, s)
}

// Accepts is a person who lets an epoch start with other volumes.
func Accepts(ctx context.Context, s *v1alpha1.Session, epoch int64) {
	GinkgoHelper()
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationAcceptVolumes, strconv.FormatInt(epoch, 10))
	Expect(api.Patch(ctx, Now(ctx, s), client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
}

// haveFailed says that a session did not start, for that reason and with these words.
func haveFailed(ctx context.Context, s *v1alpha1.Session, reason, words string) {
	GinkgoHelper()
	now := Now(ctx, s)
	Expect(now).To(And(HavePhase(v1alpha1.PhaseFailed), HaveReason(reason)))
	Expect(now.Status.LastExit.Reason).To(Equal(reason))
	Expect(now.Status.LastExit.Message).To(ContainSubstring(words))
	Expect(Pod(ctx, s)).To(BeNil())
}

var _ = Describe("The volumes of a session", func() {
	It("are claims of its own, which its pod mounts and its status remembers", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data", "cache"))
		s := GivenAwake(ctx, "a")
		data, cache := ClaimOf(ctx, s, "data"), ClaimOf(ctx, s, "cache")
		Expect(data.Labels).To(HaveKeyWithValue(v1alpha1.LabelTemplate, "chess"))
		Expect(data.Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationSessionUID, string(s.UID)))
		Expect(data.OwnerReferences).To(ConsistOf(HaveField("UID", s.UID)), "the garbage collector does not know whose it is")
		var mounted []string
		for _, v := range Pod(ctx, s).Spec.Volumes {
			mounted = append(mounted, v.PersistentVolumeClaim.ClaimName)
		}
		Expect(mounted).To(Equal([]string{data.Name, cache.Name}))
		Expect(Now(ctx, s).Status.Volumes).To(Equal([]v1alpha1.VolumeReference{{Name: "data", UID: data.UID}, {Name: "cache", UID: cache.UID}}))
	})

	It("are the same after a sleep (000-05)", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenAwake(ctx, "a")
		before := ClaimOf(ctx, s, "data")
		FallsAsleep(ctx, s)
		Expect(ClaimOf(ctx, s, "data")).To(Equal(before), "it is kept while the session sleeps")
		Expect(Wakes(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(ClaimOf(ctx, s, "data").UID).To(Equal(before.UID))
		Expect(Now(ctx, s).Status.Volumes).To(HaveLen(1))
	})

	It("are kept for a person when the template says so", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"), func(t *v1alpha1.SessionTemplate) { t.Spec.VolumeRetention = v1alpha1.VolumesRetain })
		s := GivenAwake(ctx, "a")
		Expect(ClaimOf(ctx, s, "data").OwnerReferences).To(BeEmpty())
	})

	It("are never another's: a Session made again does not get the old one's, unless it is given them", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"), func(t *v1alpha1.SessionTemplate) { t.Spec.VolumeRetention = v1alpha1.VolumesRetain })
		old := GivenAwake(ctx, "a")
		FallsAsleep(ctx, old)
		Expect(api.Delete(ctx, old)).To(Succeed())
		Turn(ctx, old)
		clk.SetTime(clk.Now().Add(time.Second)) // in which it was made
		Turn(ctx, old)
		kept := ClaimOf(ctx, old, "data")

		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeTaken, string(s.UID))
		Expect(ClaimOf(ctx, s, "data")).To(Equal(kept), "it was touched")

		kept.Annotations[v1alpha1.AnnotationSessionUID] = string(s.UID)
		Expect(api.Update(ctx, kept)).To(Succeed())
		Expect(Wakes(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Now(ctx, s).Status.Volumes).To(ConsistOf(v1alpha1.VolumeReference{Name: "data", UID: kept.UID}))
	})

	It("are never silently fresh: one that is gone is missed until somebody accepts it, for one epoch", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data", "cache"))
		s := GivenAwake(ctx, "a")
		FallsAsleep(ctx, s)
		Loses(ctx, s, "cache")
		for range 2 {
			StartsLater(ctx, s)
			haveFailed(ctx, s, v1alpha1.ReasonVolumeLost, "sessions.dormouse.dev/accept-fresh-volumes=2")
			Expect(ClaimOf(ctx, s, "cache")).To(BeNil())
		}
		Accepts(ctx, s, 1)
		StartsLater(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeLost, "is gone")

		Accepts(ctx, s, 2)
		now := Wakes(ctx, s)
		Expect(now).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(now.Status.Volumes).To(ConsistOf(
			v1alpha1.VolumeReference{Name: "data", UID: ClaimOf(ctx, s, "data").UID},
			v1alpha1.VolumeReference{Name: "cache", UID: ClaimOf(ctx, s, "cache").UID}))

		FallsAsleep(ctx, s)
		Loses(ctx, s, "data")
		StartsLater(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeLost, "accept-fresh-volumes=3")
	})

	It("stay accepted when the epoch that they were accepted for does not come to serve", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenAwake(ctx, "a")
		FallsAsleep(ctx, s)
		Loses(ctx, s, "data")
		Accepts(ctx, s, 2)
		StartsLater(ctx, s)
		bind(ctx, Pod(ctx, s))
		Ends(ctx, s, 3, "no legs")
		Expect(Reconciled(ctx, s)).To(HaveReason(v1alpha1.ReasonStartFailed))
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		Expect(Wakes(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Now(ctx, s).Status.Epoch).To(BeEquivalentTo(3))
	})

	It("are not missed when no pod with them has served: what was wrong from the start can be made again", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		bind(ctx, Pod(ctx, s))
		Ends(ctx, s, 3, "no legs")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Loses(ctx, s, "data")
		Expect(Wakes(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Now(ctx, s).Status.Volumes).To(ConsistOf(v1alpha1.VolumeReference{Name: "data", UID: ClaimOf(ctx, s, "data").UID}))
	})

	It("are missed too when another of that name is in their place", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenAwake(ctx, "a")
		FallsAsleep(ctx, s)
		copied := ClaimOf(ctx, s, "data").DeepCopy()
		Loses(ctx, s, "data")
		copied.ObjectMeta = metav1.ObjectMeta{Namespace: copied.Namespace, Name: copied.Name, Annotations: copied.Annotations}
		Expect(api.Create(ctx, copied)).To(Succeed())
		StartsLater(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeLost, "was replaced by another ("+string(copied.UID)+")")
		Accepts(ctx, s, 2)
		Expect(Wakes(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(Now(ctx, s).Status.Volumes).To(ConsistOf(v1alpha1.VolumeReference{Name: "data", UID: copied.UID}))
	})

	It("are not the ones that a late former leader made, who did not know of the old", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		before := Now(ctx, s)
		Expect(Wakes(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		FallsAsleep(ctx, s)
		Loses(ctx, s, "data")

		leader := r
		r = NewOperator()
		r.Client = late{Client: api, session: before}
		Turn(ctx, s)
		Expect(ClaimOf(ctx, s, "data")).NotTo(BeNil(), "the former leader was not late")
		r = leader
		Turn(ctx, s)
		Expect(Pod(ctx, s).DeletionTimestamp).NotTo(BeNil())
		Ends(ctx, s, 0, "")
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		StartsLater(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeLost, "was replaced")
	})

	It("are not used while they are being deleted", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenAwake(ctx, "a")
		FallsAsleep(ctx, s)
		Expect(ClaimOf(ctx, s, "data").Finalizers).NotTo(BeEmpty(), "the API server's own protection keeps it for the test")
		Expect(api.Delete(ctx, ClaimOf(ctx, s, "data"))).To(Succeed())
		StartsLater(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeLost, "is being deleted")
	})

	It("stay on record while the template does without them", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenAwake(ctx, "a")
		FallsAsleep(ctx, s)
		t := &v1alpha1.SessionTemplate{}
		Expect(api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: "chess"}, t)).To(Succeed())
		with := t.DeepCopy().Spec
		t.Spec.VolumeClaimTemplates, t.Spec.Template.Spec.Containers[0].VolumeMounts = nil, nil
		Expect(api.Update(ctx, t)).To(Succeed())
		Expect(Wakes(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		FallsAsleep(ctx, s)
		Loses(ctx, s, "data")
		t.Spec = with
		Expect(api.Update(ctx, t)).To(Succeed())
		StartsLater(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeLost, "is gone")
	})

	It("are looked at anew when one comes about between the look and the create", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		r.Client = interceptor.NewClient(api, interceptor.Funcs{Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			others := o.DeepCopyObject().(client.Object)
			others.SetAnnotations(nil)
			Expect(c.Create(ctx, others)).To(Succeed())
			return c.Create(ctx, o, opts...)
		}})
		Turn(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonVolumeTaken, "delete it")
		Expect(ClaimOf(ctx, s, "data").Annotations).NotTo(HaveKey(v1alpha1.AnnotationSessionUID))
	})

	It("say so when the API server will not have them", func(ctx SpecContext) {
		GivenTemplate(ctx, Keeping("data"))
		quota := &corev1.ResourceQuota{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "none"}}
		quota.Spec.Hard = corev1.ResourceList{"persistentvolumeclaims": resource.MustParse("0")}
		Expect(api.Create(ctx, quota)).To(Succeed())
		quota.Status = corev1.ResourceQuotaStatus{Hard: quota.Spec.Hard, Used: quota.Spec.Hard}
		Expect(api.Status().Update(ctx, quota)).To(Succeed())
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		Turn(ctx, s)
		haveFailed(ctx, s, v1alpha1.ReasonPodRejected, "exceeded quota")
	})
})

// crash is an operator that ends before its call number at, counted from zero.
func crash(at int) *int {
	calls := 0
	call := func() error {
		if calls++; calls > at {
			return fmt.Errorf("the operator has crashed")
		}
		return nil
	}
	r.Client = interceptor.NewClient(api, interceptor.Funcs{
		Create: func(ctx context.Context, c client.WithWatch, o client.Object, opts ...client.CreateOption) error {
			if err := call(); err != nil {
				return err
			}
			return c.Create(ctx, o, opts...)
		},
		SubResourcePatch: func(ctx context.Context, c client.Client, sub string, o client.Object, p client.Patch, opts ...client.SubResourcePatchOption) error {
			if err := call(); err != nil {
				return err
			}
			return c.SubResource(sub).Patch(ctx, o, p, opts...)
		},
	})
	return &calls
}

var _ = Describe("The first wake of a session with volumes", func() {
	DescribeTable("has one claim of each, and one pod, when the operator crashes",
		func(ctx SpecContext, at int) {
			GivenTemplate(ctx, Keeping("data", "cache"))
			s := GivenSession(ctx, "a")
			Touch(ctx, s)
			Turn(ctx, s)
			calls := crash(at)
			turns := func() error {
				_, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)})
				return err
			}
			err := turns()
			if err == nil {
				Runs(ctx, s)
				err = turns()
			}
			Expect(err).To(MatchError(ContainSubstring("has crashed")))
			Expect(*calls).To(Equal(at + 1))
			before := map[string]types.UID{}
			for _, name := range []string{"data", "cache"} {
				if c := ClaimOf(ctx, s, name); c != nil {
					before[name] = c.UID
				}
			}
			Expect(before).To(HaveLen(min(at, 2)))

			r = NewOperator()
			Turn(ctx, s)
			Runs(ctx, s)
			Turn(ctx, s)
			now := Now(ctx, s)
			Expect(now).To(HavePhase(v1alpha1.PhaseAwake))
			Expect(now.Status.Epoch).To(BeEquivalentTo(1))
			for name, uid := range before {
				Expect(ClaimOf(ctx, s, name).UID).To(Equal(uid))
			}
			Expect(now.Status.Volumes).To(Equal([]v1alpha1.VolumeReference{
				{Name: "data", UID: ClaimOf(ctx, s, "data").UID}, {Name: "cache", UID: ClaimOf(ctx, s, "cache").UID},
			}))
		},
		Entry("before the first claim", 0),
		Entry("before the second claim", 1),
		Entry("before the pod", 2),
		Entry("before the publication", 3),
	)

	It("takes no call more without volumes than it did", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s)
		calls := crash(2)
		live := 0
		r.Live = interceptor.NewClient(api, interceptor.Funcs{
			Get: func(context.Context, client.WithWatch, client.ObjectKey, client.Object, ...client.GetOption) error {
				live++
				return nil
			},
		})
		Turn(ctx, s)
		Runs(ctx, s)
		Expect(Reconciled(ctx, s)).To(HavePhase(v1alpha1.PhaseAwake))
		Expect(*calls).To(Equal(2), "the pod and its publication")
		Expect(live).To(BeZero(), "it asked the API server beside its cache")
	})
})
