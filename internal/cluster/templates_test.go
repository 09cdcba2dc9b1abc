package cluster

import (
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/internal/gateway/resolve"
)

// namesIn are the templates of a namespace that were published last.
func (h *hands) namesIn(namespace string, last *[]resolve.Template) []string {
	for {
		select {
		case *last = <-h.published:
			continue
		default:
		}
		var names []string
		for _, t := range *last {
			if t.Namespace == namespace {
				names = append(names, t.Name)
			}
		}
		return names
	}
}

var _ = Describe("Templates", func() {
	It("are published oldest first, without those that are broken, and follow", func(ctx SpecContext) {
		namespace := newNamespace(ctx)
		older, younger := newTemplate(namespace, "b"), newTemplate(namespace, "a")
		broken, refused := newTemplate(namespace, "broken"), newTemplate(namespace, "refused")
		broken.Spec.Key.Pattern = "("
		create(ctx, older, broken, refused)
		time.Sleep(1100 * time.Millisecond) // creation times have whole seconds
		create(ctx, younger)
		h := runs(ctx, namespace, "gw")
		var last []resolve.Template
		names := func() []string { return h.namesIn(namespace, &last) }
		Expect(names()).To(Equal([]string{"b", "refused", "a"}))
		meta.SetStatusCondition(&refused.Status.Conditions, metav1.Condition{
			Type: v1alpha1.ConditionAccepted, Status: metav1.ConditionFalse, Reason: v1alpha1.ReasonInvalidPod,
		})
		Expect(server.Client.Status().Update(ctx, refused)).To(Succeed())
		Eventually(names).Should(Equal([]string{"b", "a"}))
		Expect(server.Client.Delete(ctx, older)).To(Succeed())
		Eventually(names).Should(Equal([]string{"a"}))
	})

	It("say what a gateway needs of them", func() {
		t := newTemplate("games", "chess")
		t.Spec.Key = v1alpha1.KeySpec{Pattern: "[a-z]+", OnMissing: v1alpha1.MissingCreate}
		t.Spec.Routes = []v1alpha1.Route{{Path: "/chess/{key}/"}, {Header: "X-Table"}}
		t.Spec.Wake = v1alpha1.WakeSpec{Timeout: &metav1.Duration{Duration: 5 * time.Second}, MaxHeld: 7, Ready: &v1alpha1.HTTPGet{Path: "/ready"}}
		t.Spec.Identity = &v1alpha1.IdentitySpec{Path: "/who"}
		t.Spec.Idle.Counts, t.Spec.Idle.HibernateConnections = v1alpha1.CountsBytes, true
		t.Spec.Limits.Sessions, t.Status.Sessions.Total = ptr.To[int32](9), 3
		k := knownOf(t, nil)
		Expect(k.fault).To(BeEmpty())
		Expect(k.rules).To(Equal(Rules{IdleAfter: time.Minute, CountBytes: true}))
		Expect(k.template.Pattern.MatchString("abc1")).To(BeFalse())
		k.template.Pattern = nil
		Expect(k.template).To(Equal(resolve.Template{
			Namespace: "games", Name: "chess", Create: true, Routes: []resolve.Route{{Path: "/chess/{key}/"}, {Header: "X-Table"}},
			WakeTimeout: 5 * time.Second, MaxHeld: 7, ReadyPath: "/ready", IdentityPath: "/who", Hibernates: true, IdleAfter: time.Minute,
		}))
		t.Spec.Save = &v1alpha1.SaveSpec{Path: "/save", After: &metav1.Duration{Duration: 20 * time.Second}}
		Expect(knownOf(t, nil).rules.IdleAfter).To(Equal(20*time.Second), "who is busy for longer would be saved as if nobody needed it")
		t.Spec.Protocol = v1alpha1.ProtocolTCP
		Expect(knownOf(t, nil).template.Raw).To(BeTrue())
	})
})

var _ = Describe("Metrics", func() {
	It("are well made, and have no label per key", func(ctx SpecContext) {
		registry := prometheus.NewRegistry()
		h := runs(ctx, newNamespace(ctx), "gw", func(o *Options, _ *line) { o.Metrics = registry })
		h.waker.count("ok")
		families, err := registry.Gather()
		Expect(err).NotTo(HaveOccurred())
		Expect(families).To(HaveLen(8))
		Expect(promlint.NewWithMetricFamilies(families).Lint()).To(BeEmpty())
	})
})
