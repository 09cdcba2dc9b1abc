package session

import (
	"context"
	"errors"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// once answers the first write of a kind with an error that seems to say that the object is gone, and writes nothing.
func once(ctx context.Context, answer error, of func(client.Object) bool) (client.Client, *int) {
	lies := 0
	lie := func(o client.Object) bool {
		if lies > 0 || !of(o) {
			return false
		}
		lies++
		return true
	}
	return interceptor.NewClient(api, interceptor.Funcs{
		Delete: func(_ context.Context, c client.WithWatch, o client.Object, opts ...client.DeleteOption) error {
			if lie(o) {
				return answer
			}
			return c.Delete(ctx, o, opts...)
		},
		Patch: func(_ context.Context, c client.WithWatch, o client.Object, patch client.Patch, opts ...client.PatchOption) error {
			if lie(o) {
				return answer
			}
			return c.Patch(ctx, o, patch, opts...)
		},
	}), &lies
}

func anyPod(o client.Object) bool { _, ok := o.(*corev1.Pod); return ok }

func anySession(o client.Object) bool { _, ok := o.(*v1alpha1.Session); return ok }

var _ = Describe("An answer that something is gone, while it is there", func() {
	// again is what the queue does: a turn that fails is taken again.
	again := func(ctx SpecContext, s *v1alpha1.Session) {
		GinkgoHelper()
		if _, err := r.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(s)}); err != nil {
			Turn(ctx, s)
		}
	}
	elsewhere := apierrors.NewNotFound(corev1.Resource("anything"), "anything")

	It("does not leave a pod running that was to be stopped", func(ctx SpecContext) {
		GivenTemplate(ctx)
		for key, answer := range map[string]error{"a": elsewhere, "b": apierrors.NewConflict(corev1.Resource("pods"), "anything", errors.New("says a webhook"))} {
			s := GivenSession(ctx, key)
			Touch(ctx, s)
			Turn(ctx, s)
			Turn(ctx, s)
			suspended := Now(ctx, s)
			suspended.Spec.Suspend = true
			Expect(api.Update(ctx, suspended)).To(Succeed())
			var lies *int
			r.Client, lies = once(ctx, answer, anyPod)
			again(ctx, s)
			Expect(*lies).To(Equal(1))
			Expect(Pod(ctx, s).DeletionTimestamp).NotTo(BeNil(), "its pod was not asked to stop")
			r.Client = api
		}
	})

	It("does not leave the finalizer on a pod that has ended", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Ends(ctx, s, 0, "")
		Turn(ctx, s)
		r.Client, _ = once(ctx, elsewhere, anyPod)
		again(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
	})

	It("does not leave the finalizer on a Session whose last pod has ended", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := GivenAwake(ctx, "a")
		Expect(api.Delete(ctx, s)).To(Succeed())
		Turn(ctx, s)
		Seeing(ctx, s, v1alpha1.PhaseStopping)
		Ends(ctx, s, 0, "")
		Turn(ctx, s)
		clk.SetTime(clk.Now().Add(time.Minute))
		Turn(ctx, s)
		Expect(Pod(ctx, s)).To(BeNil())
		r.Client, _ = once(ctx, elsewhere, anySession)
		again(ctx, s)
		Expect(apierrors.IsNotFound(api.Get(ctx, client.ObjectKeyFromObject(s), s))).To(BeTrue())
	})
})
