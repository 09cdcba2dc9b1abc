package template_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	gomegatypes "github.com/onsi/gomega/types"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/tools/events"
	clocktesting "k8s.io/utils/clock/testing"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	"github.com/dormouse-dev/dormouse/controllers/template"
	"github.com/dormouse-dev/dormouse/test/api/apiserver"
)

var (
	server     *apiserver.Server
	api        client.WithWatch
	namespace  string
	clk        *clocktesting.FakePassiveClock
	recorder   *events.FakeRecorder
	reconciler *template.Reconciler
)

func TestTemplate(t *testing.T) {
	RegisterFailHandler(Fail)
	RunSpecs(t, "The template controller")
}

var _ = BeforeSuite(func() {
	var err error
	server, err = apiserver.Start()
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() error { return server.Stop() })
	api = server.Client
})

var _ = BeforeEach(func(ctx SpecContext) {
	var err error
	namespace, err = server.Namespace(ctx)
	Expect(err).NotTo(HaveOccurred())
	clk = clocktesting.NewFakePassiveClock(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
	startOperator()
})

// startOperator begins with an operator that remembers nothing.
func startOperator() {
	recorder = events.NewFakeRecorder(100)
	reconciler = &template.Reconciler{Client: api, Clock: clk, Events: recorder}
}

// newTemplate is a sound template.
func newTemplate(changes ...func(*v1alpha1.SessionTemplateSpec)) *v1alpha1.SessionTemplate {
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Name: "chess", Namespace: namespace}}
	t.Spec.Port = intstr.FromString("http")
	t.Spec.Template.Spec.Containers = []corev1.Container{{
		Name: "table", Image: "example.com/table:1",
		Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
	}}
	for _, change := range changes {
		change(&t.Spec)
	}
	return t
}

func account(name string) func(*v1alpha1.SessionTemplateSpec) {
	return func(s *v1alpha1.SessionTemplateSpec) { s.Template.Spec.ServiceAccountName = name }
}

func port(p intstr.IntOrString) func(*v1alpha1.SessionTemplateSpec) {
	return func(s *v1alpha1.SessionTemplateSpec) { s.Port = p }
}

func given[T client.Object](ctx context.Context, o T) T {
	GinkgoHelper()
	Expect(api.Create(ctx, o)).To(Succeed())
	return o
}

func givenSession(ctx context.Context, key string, phase v1alpha1.SessionPhase) *v1alpha1.Session {
	GinkgoHelper()
	s := given(ctx, &v1alpha1.Session{
		ObjectMeta: metav1.ObjectMeta{Name: "chess." + key, Namespace: namespace},
		Spec:       v1alpha1.SessionSpec{Template: "chess", Key: key},
	})
	become(ctx, s, phase)
	return s
}

func become(ctx context.Context, s *v1alpha1.Session, phase v1alpha1.SessionPhase) {
	GinkgoHelper()
	s.Status.Phase = phase
	Expect(api.Status().Update(ctx, s)).To(Succeed())
}

// reconciled reconciles the template once, and returns it as it then is with the time until it is to come back.
func reconciled(ctx context.Context, t *v1alpha1.SessionTemplate) (*v1alpha1.SessionTemplate, time.Duration) {
	GinkgoHelper()
	result, err := reconciler.Reconcile(ctx, ctrl.Request{NamespacedName: client.ObjectKeyFromObject(t)})
	Expect(err).NotTo(HaveOccurred())
	return read(ctx, t), result.RequeueAfter
}

func read(ctx context.Context, t *v1alpha1.SessionTemplate) *v1alpha1.SessionTemplate {
	GinkgoHelper()
	now := &v1alpha1.SessionTemplate{}
	Expect(api.Get(ctx, client.ObjectKeyFromObject(t), now)).To(Succeed())
	return now
}

// beAccepted and beRejected look at both conditions and at what generation they speak of.
func beAccepted() gomegatypes.GomegaMatcher {
	return WithTransform(summary, Equal("Accepted=True Accepted, Ready=True Ready, of this generation"))
}

func beRejected(reason string) gomegatypes.GomegaMatcher {
	return WithTransform(summary, Equal("Accepted=False "+reason+", Ready=False NotAccepted, of this generation"))
}

func summary(t *v1alpha1.SessionTemplate) string {
	accepted := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionAccepted)
	ready := meta.FindStatusCondition(t.Status.Conditions, v1alpha1.ConditionReady)
	if accepted == nil || ready == nil {
		return "not judged"
	}
	out := fmt.Sprintf("Accepted=%s %s, Ready=%s %s", accepted.Status, accepted.Reason, ready.Status, ready.Reason)
	if accepted.ObservedGeneration == t.Generation && ready.ObservedGeneration == t.Generation && t.Status.ObservedGeneration == t.Generation {
		out += ", of this generation"
	}
	return out
}
