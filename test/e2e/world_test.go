package e2e

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
)

// template is the name of the SessionTemplate of every world.
const template = "room"

// world is a namespace of one test, with one template and the gateways that serve it.
type world struct {
	namespace string
	gateways  []*gateway
}

type option func(*v1alpha1.SessionTemplate)

// Idle lets sessions sleep after so long.
func Idle(d time.Duration) option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Idle.After = &metav1.Duration{Duration: d} }
}

// Saved saves sessions before they sleep.
func Saved() option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Save = &v1alpha1.SaveSpec{Path: "/save", Timeout: &metav1.Duration{Duration: 30 * time.Second}}
	}
}

// WakeTimeout is how long a start may take.
func WakeTimeout(d time.Duration) option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Wake.Timeout = &metav1.Duration{Duration: d} }
}

// Keys are what the pattern matches; a request for one without a Session is answered 404.
func Keys(pattern string) option {
	return func(t *v1alpha1.SessionTemplate) {
		t.Spec.Key = v1alpha1.KeySpec{Pattern: pattern, OnMissing: v1alpha1.MissingReject}
	}
}

// Failing lets the workload end with an exit code, instead of serving.
func Failing(code string) option {
	return func(t *v1alpha1.SessionTemplate) {
		c := &t.Spec.Template.Spec.Containers[0]
		c.Env = append(c.Env, corev1.EnvVar{Name: "FAIL", Value: code})
	}
}

// Image is another image than the workload's.
func Image(name string) option {
	return func(t *v1alpha1.SessionTemplate) { t.Spec.Template.Spec.Containers[0].Image = name }
}

// Given makes a world, in which a request for a new key makes its session. All that is in it is removed when the test ends.
func Given(ctx context.Context, name string, options ...option) *world {
	GinkgoHelper()
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "e2e-" + name + "-"}}
	ns.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "restricted"}
	Expect(cl.api.Create(ctx, ns)).To(Succeed())
	w := &world{namespace: ns.Name, gateways: openGateways(ctx)}
	DeferCleanup(w.remove, NodeTimeout(2*time.Minute))
	t := w.newTemplate()
	for _, o := range options {
		o(t)
	}
	Expect(cl.api.Create(ctx, t)).To(Succeed())
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		g.Expect(cl.api.Get(ctx, client.ObjectKeyFromObject(t), t)).To(Succeed())
		g.Expect(meta.IsStatusConditionTrue(t.Status.Conditions, v1alpha1.ConditionAccepted)).To(BeTrue())
		if t.Spec.Protocol == v1alpha1.ProtocolTCP {
			return // a gateway has no words in it by which one could tell
		}
		for _, gw := range w.gateways {
			a, err := gw.do(ctx, http.MethodGet, w.path("_")) // no key of any template
			g.Expect(err).NotTo(HaveOccurred())
			g.Expect(a).To(Refused(http.StatusNotFound, "KeyRejected"), "the gateway does not know the template")
		}
	}).Should(Succeed())
	return w
}

func (w *world) newTemplate() *v1alpha1.SessionTemplate {
	t := &v1alpha1.SessionTemplate{ObjectMeta: metav1.ObjectMeta{Namespace: w.namespace, Name: template}}
	t.Spec.Key.OnMissing = v1alpha1.MissingCreate
	t.Spec.Routes = []v1alpha1.Route{{Path: "/" + w.namespace + "/{key}/"}, {Host: "{key}." + w.namespace + ".example.com"}}
	t.Spec.Port = intstr.FromString("http")
	t.Spec.Wake.MaxHeld = 500
	t.Spec.Template.Spec = corev1.PodSpec{
		TerminationGracePeriodSeconds: ptr.To(int64(10)),
		Containers: []corev1.Container{{
			Name: "workload", Image: cl.Image, ImagePullPolicy: corev1.PullIfNotPresent,
			Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
			Env: []corev1.EnvVar{
				{Name: "STORE_URL", Value: state.url + "/" + w.namespace},
				{Name: "POD_UID", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.uid"}}},
			},
		}},
	}
	return t
}

// remove ends all sessions, whose finalizers must come off, and removes the namespace.
func (w *world) remove(ctx context.Context) {
	GinkgoHelper()
	Expect(cl.api.DeleteAllOf(ctx, &v1alpha1.Session{}, client.InNamespace(w.namespace))).To(Succeed())
	Eventually(ctx, func(g Gomega, ctx context.Context) {
		g.Expect(w.sessions(ctx)).To(BeEmpty())
		g.Expect(w.pods(ctx)).To(BeEmpty())
	}).Should(Succeed(), "deleted sessions do not go")
	err := cl.api.Delete(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}})
	Expect(client.IgnoreNotFound(err)).To(Succeed())
}

func (w *world) path(key string) string { return "/" + w.namespace + "/" + key + "/" }

// record is where the store keeps a key.
func (w *world) record(key string) string { return "/" + w.namespace + "/" + key }

// ask makes a request for a key, by way of any gateway.
func (w *world) ask(ctx context.Context, method, key, rest string) answer {
	GinkgoHelper()
	a, err := w.gateways[rand.IntN(len(w.gateways))].do(ctx, method, w.path(key)+rest)
	Expect(err).NotTo(HaveOccurred(), "%s %s", method, w.path(key)+rest)
	return a
}

// Get asks a key who it is.
func (w *world) Get(ctx context.Context, key string) answer {
	GinkgoHelper()
	return w.ask(ctx, http.MethodGet, key, "")
}

// Count adds one to the count of a key.
func (w *world) Count(ctx context.Context, key string) answer {
	GinkgoHelper()
	return w.ask(ctx, http.MethodPost, key, "")
}

// Session is the session of a key.
func (w *world) Session(ctx context.Context, key string) *v1alpha1.Session {
	GinkgoHelper()
	s := &v1alpha1.Session{}
	Expect(cl.api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: template + "." + key}, s)).To(Succeed())
	return s
}

// Becomes waits until the session of a key is in a phase.
func (w *world) Becomes(ctx context.Context, key string, phase v1alpha1.SessionPhase, within time.Duration) *v1alpha1.Session {
	GinkgoHelper()
	var s *v1alpha1.Session
	Eventually(ctx, func(ctx context.Context) v1alpha1.SessionPhase {
		s = w.Session(ctx, key)
		return s.Status.Phase
	}).WithTimeout(within).Should(Equal(phase), "session %s", key)
	return s
}

// Pod is the pod of a key, which must be there.
func (w *world) Pod(ctx context.Context, key string) corev1.Pod {
	GinkgoHelper()
	var p corev1.Pod
	Expect(cl.api.Get(ctx, client.ObjectKey{Namespace: w.namespace, Name: template + "." + key}, &p)).To(Succeed())
	return p
}

// sessions are the names of the sessions that there are.
func (w *world) sessions(ctx context.Context) ([]string, error) {
	var list v1alpha1.SessionList
	err := cl.api.List(ctx, &list, client.InNamespace(w.namespace))
	names := make([]string, len(list.Items))
	for i := range list.Items {
		names[i] = list.Items[i].Name
	}
	return names, err
}

// pods are the names of the pods that there are.
func (w *world) pods(ctx context.Context) ([]string, error) {
	var list corev1.PodList
	err := cl.api.List(ctx, &list, client.InNamespace(w.namespace))
	names := make([]string, len(list.Items))
	for i := range list.Items {
		names[i] = list.Items[i].Name
	}
	return names, err
}

// Show prints the sessions as kubectl shows them.
func (w *world) Show(ctx context.Context, when string) string {
	GinkgoHelper()
	text := cl.run(ctx, cl.Kubectl, "get", "sessions", "-n", w.namespace)
	say("kubectl get sessions, %s:\n%s", when, text)
	return text
}
