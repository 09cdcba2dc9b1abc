package session

import (
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = Describe("The input of a session", func() {
	It("comes with its pod, as large as it may be, and a change of it with the next pod (001-08)", func(ctx SpecContext) {
		GivenTemplate(ctx)
		s := &v1alpha1.Session{}
		s.Namespace, s.Name = namespace, "chess.a"
		first := strings.Repeat("$", 65536)
		s.Spec = v1alpha1.SessionSpec{Template: "chess", Key: "a", Input: &first}
		Expect(api.Create(ctx, s)).To(Succeed())
		Touch(ctx, s)
		Turn(ctx, s) // our finalizer
		Wakes(ctx, s)
		Expect(Pod(ctx, s).Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationInput, first))
		Expect(Pod(ctx, s).Spec.Containers[0].Env).To(ContainElement(corev1.EnvVar{Name: v1alpha1.EnvInput, Value: v1alpha1.InputFile}))

		now, second := Now(ctx, s), "black"
		now.Spec.Input = &second
		Expect(api.Update(ctx, now)).To(Succeed())
		Turn(ctx, s)
		Expect(Pod(ctx, s).Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationInput, first))
		FallsAsleep(ctx, s)
		Wakes(ctx, s)
		Expect(Pod(ctx, s).Annotations).To(HaveKeyWithValue(v1alpha1.AnnotationInput, second))
	})
})
