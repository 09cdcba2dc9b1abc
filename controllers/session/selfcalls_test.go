package session

import (
	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

var _ = Describe("The pods of a template with selfCalls", func() {
	It("have a token for the gateways and their URL, and the API server takes them so", func(ctx SpecContext) {
		r.API = "http://gateway"
		GivenTemplate(ctx, func(t *v1alpha1.SessionTemplate) { t.Spec.SelfCalls = true })
		s := GivenSession(ctx, "a")
		Touch(ctx, s)
		Turn(ctx, s) // our finalizer
		Wakes(ctx, s)
		pod := Pod(ctx, s)
		Expect(pod.Spec.Volumes).To(ConsistOf(HaveField("VolumeSource.Projected.Sources", ConsistOf(HaveField("ServiceAccountToken.Audience", v1alpha1.TokenAudience)))))
		Expect(pod.Spec.Containers[0].VolumeMounts).To(ConsistOf(HaveField("MountPath", "/var/run/secrets/sessions.dormouse.dev")))
		Expect(pod.Spec.Containers[0].Env).To(ContainElement(corev1.EnvVar{Name: v1alpha1.EnvAPI, Value: "http://gateway"}))
	})
})
