package template_test

import (
	"fmt"
	"strings"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/rest"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

type spec = v1alpha1.SessionTemplateSpec

var _ = Describe("A template", func() {
	It("is accepted when it is sound", func(ctx SpecContext) {
		t, again := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t).To(beAccepted())
		Expect(again).To(BeZero())
		Expect(recorder.Events).To(BeEmpty())
		for _, c := range t.Status.Conditions {
			Expect(c.Message).To(Equal(v1alpha1.Messages[c.Reason]))
			Expect(c.LastTransitionTime.Time).To(BeTemporally("==", clk.Now()))
		}
	})

	It("is accepted with a claim whose volume it mounts, and leaves no pod and no claim behind", func(ctx SpecContext) {
		t, _ := reconciled(ctx, given(ctx, newTemplate(claim("data", corev1.ReadWriteOnce), func(s *spec) {
			s.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "data", MountPath: "/data"}}
		})))
		Expect(t).To(beAccepted())
		var pods corev1.PodList
		Expect(api.List(ctx, &pods, client.InNamespace(namespace))).To(Succeed())
		Expect(pods.Items).To(BeEmpty())
		var claims corev1.PersistentVolumeClaimList
		Expect(api.List(ctx, &claims, client.InNamespace(namespace))).To(Succeed())
		Expect(claims.Items).To(BeEmpty())
	})

	DescribeTable("is rejected with the words of who knows (002-15)",
		func(ctx SpecContext, reason, words string, change func(*spec)) {
			t, again := reconciled(ctx, given(ctx, newTemplate(change)))
			Expect(t).To(beRejected(reason))
			Expect(again).To(BeZero(), "only the template can mend it")
			Expect(recorder.Events).To(Receive(And(HavePrefix("Warning "+reason), ContainSubstring(words))))
		},
		Entry("for a pattern that is no expression", v1alpha1.ReasonInvalidKeyPattern, "missing closing ]",
			func(s *spec) { s.Key.Pattern = "[a-z" }),
		Entry("for a pattern that breaks out of what is put around it", v1alpha1.ReasonInvalidKeyPattern, "unexpected )",
			func(s *spec) { s.Key.Pattern = "a)|(b" }),
		Entry("for an issuer without a public key", v1alpha1.ReasonInvalidAccess, "access.jwt: issuer https://id.example.com: jwks: it has no key",
			func(s *spec) {
				s.Access = &v1alpha1.AccessSpec{JWT: []v1alpha1.JWTIssuer{{Issuer: "https://id.example.com", Audiences: []string{"a"}, JWKS: "{}"}}}
			}),
		Entry("for a port that no container has", v1alpha1.ReasonInvalidPort, `"https"`, port(intstr.FromString("https"))),
		Entry("for a port out of range", v1alpha1.ReasonInvalidPort, `"65536"`, port(intstr.FromInt32(65536))),
		Entry("for a mount of no volume", v1alpha1.ReasonInvalidPod, "volumeMounts[0].name",
			func(s *spec) {
				s.Template.Spec.Containers[0].VolumeMounts = []corev1.VolumeMount{{Name: "none", MountPath: "/data"}}
			}),
		Entry("for a limit below the request", v1alpha1.ReasonInvalidPod, "must be less than or equal to memory limit",
			func(s *spec) {
				s.Template.Spec.Containers[0].Resources = corev1.ResourceRequirements{
					Requests: corev1.ResourceList{"memory": resource.MustParse("2Gi")},
					Limits:   corev1.ResourceList{"memory": resource.MustParse("1Gi")},
				}
			}),
		Entry("for a volume claim of an unknown kind", v1alpha1.ReasonInvalidPod, "accessModes", claim("data", "ReadSometimes")),
		Entry("for a volume claim with the name of a volume", v1alpha1.ReasonInvalidPod, "spec.volumes[1].name: Duplicate value",
			func(s *spec) {
				claim("data", corev1.ReadWriteOnce)(s)
				s.Template.Spec.Volumes = []corev1.Volume{{Name: "data"}}
			}),
		Entry("for more words than an event takes", v1alpha1.ReasonInvalidPod, "…",
			func(s *spec) {
				for i := range 50 {
					mount := corev1.VolumeMount{Name: fmt.Sprintf("none-%d", i), MountPath: fmt.Sprintf("/%d", i)}
					s.Template.Spec.Containers[0].VolumeMounts = append(s.Template.Spec.Containers[0].VolumeMounts, mount)
				}
			}),
	)

	It("is judged again when it changes, for better and for worse", func(ctx SpecContext) {
		t, _ := reconciled(ctx, given(ctx, newTemplate(port(intstr.FromString("https")))))
		Expect(t).To(beRejected(v1alpha1.ReasonInvalidPort))

		t.Spec.Port = intstr.FromInt32(443)
		Expect(api.Update(ctx, t)).To(Succeed())
		t, _ = reconciled(ctx, t)
		Expect(t).To(beAccepted())

		t.Spec.Key.Pattern = "("
		Expect(api.Update(ctx, t)).To(Succeed())
		t, _ = reconciled(ctx, t)
		Expect(t).To(beRejected(v1alpha1.ReasonInvalidKeyPattern))
	})

	It("is not tried again while it does not change, not even by a new operator", func(ctx SpecContext) {
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(api.Delete(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default"}})).To(Succeed())
		clk.SetTime(clk.Now().Add(time.Hour))
		startOperator()
		t, _ = reconciled(ctx, t)
		Expect(t).To(beAccepted())
	})

	It("is tried again, ever more rarely, while its service account is missing", func(ctx SpecContext) {
		t := given(ctx, newTemplate(account("table")))
		since := clk.Now()
		var trials []time.Duration
		for len(trials) < 12 {
			var again time.Duration
			t, again = reconciled(ctx, t)
			Expect(t).To(beRejected(v1alpha1.ReasonInvalidPod))
			if tried(`serviceaccount "table" not found`) {
				trials = append(trials, clk.Since(since))
			}
			clk.SetTime(clk.Now().Add(again))
		}
		Expect(trials).To(HaveExactElements(seconds(0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 812)))
		Expect(meta.FindStatusCondition(t.Status.Conditions, "Accepted").LastTransitionTime.Time).To(BeTemporally("==", since))

		given(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "table"}})
		t, again := reconciled(ctx, t)
		Expect(t).To(beRejected(v1alpha1.ReasonInvalidPod), "only the sessions were counted")
		clk.SetTime(clk.Now().Add(again))
		t, again = reconciled(ctx, t)
		Expect(t).To(beAccepted())
		clk.SetTime(clk.Now().Add(again))
		_, again = reconciled(ctx, t)
		Expect(again).To(BeZero(), "the sessions were counted")
	})

	It("is not tried again before its time", func(ctx SpecContext) {
		t, again := reconciled(ctx, given(ctx, newTemplate(account("table"))))
		given(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "table"}})
		clk.SetTime(clk.Now().Add(again - 1))
		t, rest := reconciled(ctx, t)
		Expect(t).To(beRejected(v1alpha1.ReasonInvalidPod))
		Expect(rest).To(BeEquivalentTo(1))
		clk.SetTime(clk.Now().Add(rest))
		t, _ = reconciled(ctx, t)
		Expect(t).To(beAccepted())
	})

	It("is judged by the words of a policy, which may change", func(ctx SpecContext) {
		enforce(ctx, "restricted")
		root := func(s *spec) {
			no := false
			s.Template.Spec.SecurityContext = &corev1.PodSecurityContext{RunAsNonRoot: &no}
		}
		t, again := reconciled(ctx, given(ctx, newTemplate(root)))
		Expect(t).To(beRejected(v1alpha1.ReasonInvalidPod))
		Expect(recorder.Events).To(Receive(ContainSubstring("runAsNonRoot")))

		enforce(ctx, "baseline")
		clk.SetTime(clk.Now().Add(again))
		t, _ = reconciled(ctx, t)
		Expect(t).To(beAccepted())
	})

	It("is accepted without a word on security where the restricted level is enforced", func(ctx SpecContext) {
		enforce(ctx, "restricted")
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t).To(beAccepted())
	})
})

var _ = Describe("What is no verdict on a template", func() {
	It("is a full quota", func(ctx SpecContext) {
		quota(ctx, "pods", "0")
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t).To(beAccepted())
	})

	It("is a quota that nobody has counted yet", func(ctx SpecContext) {
		given(ctx, newQuota("pods", "10"))
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t).To(beAccepted())
	})

	It("is not a quota that wants a limit", func(ctx SpecContext) {
		quota(ctx, "limits.cpu", "10")
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t).To(beRejected(v1alpha1.ReasonInvalidPod))
		Expect(recorder.Events).To(Receive(ContainSubstring("must specify limits.cpu")))
	})

	It("is not a full quota that hides a broken pod", func(ctx SpecContext) {
		quota(ctx, "pods", "0")
		t, _ := reconciled(ctx, given(ctx, newTemplate(account("Not a name"))))
		Expect(t).To(beRejected(v1alpha1.ReasonInvalidPod))
	})

	It("is a pod that has the name of the example", func(ctx SpecContext) {
		given(ctx, &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "chess.dry-run"},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "a", Image: "a"}}},
		})
		t, _ := reconciled(ctx, given(ctx, newTemplate()))
		Expect(t).To(beAccepted())
	})

	It("is an operator that may not create pods: it comes back with the error", func(ctx SpecContext) {
		t := given(ctx, newTemplate())
		reconciler.Client = userWithoutPods(ctx)
		_, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(t)})
		Expect(err).To(MatchError(ContainSubstring("in dry run: pods is forbidden")))
		Expect(summary(read(ctx, t))).To(Equal("not judged"))
	})

	It("is a namespace that is going away", func(ctx SpecContext) {
		t := given(ctx, newTemplate())
		Expect(api.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}})).To(Succeed())
		t, again := reconciled(ctx, t)
		Expect(summary(t)).To(Equal("not judged"))
		Expect(again).To(BeZero())
	})
})

func claim(name string, mode corev1.PersistentVolumeAccessMode) func(*spec) {
	return func(s *spec) {
		c := v1alpha1.VolumeClaimTemplate{Metadata: v1alpha1.VolumeClaimMetadata{Name: name}}
		c.Spec.AccessModes = []corev1.PersistentVolumeAccessMode{mode}
		c.Spec.Resources.Requests = corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
		s.VolumeClaimTemplates = append(s.VolumeClaimTemplates, c)
	}
}

// tried says whether a trial was made, and failed with these words.
func tried(words string) bool {
	select {
	case e := <-recorder.Events:
		return strings.Contains(e, words)
	default:
		return false
	}
}

func seconds(all ...int) []time.Duration {
	var out []time.Duration
	for _, s := range all {
		out = append(out, time.Duration(s)*time.Second)
	}
	return out
}

// enforce sets the level of the namespace, and waits until the API server's admission, which has a cache of its own, goes by it.
func enforce(ctx SpecContext, level string) {
	GinkgoHelper()
	patch := fmt.Sprintf(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":%q}}}`, level)
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	Expect(api.Patch(ctx, ns, client.RawPatch("application/merge-patch+json", []byte(patch)))).To(Succeed())
	admitted := Succeed()
	if level == "restricted" {
		admitted = MatchError(ContainSubstring("PodSecurity"))
	}
	Eventually(ctx, tryPod).Should(admitted)
}

// tryPod asks the API server whether it would take a pod that says nothing of security or resources.
func tryPod(ctx SpecContext) error {
	containers := []corev1.Container{{Name: "app", Image: "none"}}
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "trial"}, Spec: corev1.PodSpec{Containers: containers}}
	return api.Create(ctx, pod, client.DryRunAll)
}

func newQuota(name corev1.ResourceName, hard string) *corev1.ResourceQuota {
	return &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "quota"},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{name: resource.MustParse(hard)}},
	}
}

// quota is a quota with the status that a controller would give it, by which the API server goes already.
func quota(ctx SpecContext, name corev1.ResourceName, hard string) {
	GinkgoHelper()
	q := given(ctx, newQuota(name, hard))
	q.Status = corev1.ResourceQuotaStatus{Hard: q.Spec.Hard, Used: corev1.ResourceList{name: resource.MustParse("0")}}
	Expect(api.Status().Update(ctx, q)).To(Succeed())
	Eventually(ctx, tryPod).Should(MatchError(MatchRegexp("(exceeded|failed) quota")))
}

func userWithoutPods(ctx SpecContext) client.Client {
	GinkgoHelper()
	rule := rbacv1.PolicyRule{APIGroups: []string{v1alpha1.GroupVersion.Group}, Resources: []string{"*"}, Verbs: []string{"*"}}
	given(ctx, &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "weak"}, Rules: []rbacv1.PolicyRule{rule}})
	given(ctx, &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "weak"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "weak"},
		Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "weak"}},
	})
	config := rest.CopyConfig(server.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "weak"}
	weak, err := apiserver.NewClient(config)
	Expect(err).NotTo(HaveOccurred())
	return weak
}
