package cluster

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/dormouse-dev/dormouse/api/v1alpha1"
	contract "github.com/dormouse-dev/dormouse/client"
)

// newPod makes the pod of a session, which nothing runs.
func newPod(ctx context.Context, s *v1alpha1.Session) *corev1.Pod {
	GinkgoHelper()
	p := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: s.Name},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "main"}}},
	}
	Expect(server.Client.Create(ctx, p)).To(Succeed())
	return p
}

// tokenOf asks for a token as the kubelet does for a projected one: bound to the pod, for an audience. Without a pod it is bound to none.
func tokenOf(ctx context.Context, namespace string, p *corev1.Pod, audience string) string {
	GinkgoHelper()
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{Audiences: []string{audience}}}
	if p != nil {
		request.Spec.BoundObjectRef = &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: p.Name, UID: p.UID}
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: "default"}}
	Expect(server.Client.SubResource("token").Create(ctx, account, request)).To(Succeed())
	return request.Status.Token
}

// servedBy publishes a pod.
func servedBy(p *corev1.Pod, epoch int64) func(*v1alpha1.SessionStatus) {
	return func(s *v1alpha1.SessionStatus) {
		published(epoch)(s)
		s.Endpoint.UID = p.UID
		s.Pod = &v1alpha1.PodReference{Name: p.Name, UID: p.UID}
	}
}

var _ = Describe("A pod that calls", func() {
	var (
		namespace string
		s         *v1alpha1.Session
		pod       *corev1.Pod
		h         *hands
		url       string
	)
	BeforeEach(func(ctx SpecContext) {
		namespace = newNamespace(ctx)
		s = newSession(namespace, "a")
		create(ctx, newTemplate(namespace, "chess"), s)
		pod = newPod(ctx, s)
		h = runs(ctx, namespace, "gw")
		_, url = h.serves()
	})

	as := func(token string) *contract.Self {
		GinkgoHelper()
		file := filepath.Join(GinkgoT().TempDir(), "token")
		Expect(os.WriteFile(file, []byte(token+"\n"), 0o600)).To(Succeed())
		return &contract.Self{URL: url, TokenFile: file}
	}

	// 000-26
	It("is told who it is, and keeps its session awake while it works", func(ctx SpecContext) {
		operator(ctx, s, servedBy(pod, 3))
		self := as(tokenOf(ctx, namespace, pod, v1alpha1.TokenAudience))
		me, err := self.Who(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(me).To(And(HaveField("Pod", string(pod.UID)), HaveField("Epoch", BeEquivalentTo(3)), HaveField("Session.Key", "a")))
		Expect(h.line.touches.Load()).To(BeZero(), "who asks who it is, needs nothing")

		me, err = self.Busy(ctx, 2*time.Hour)
		Expect(err).NotTo(HaveOccurred())
		Expect(me.Session.Activity).NotTo(BeNil(), "it is stored before it is answered")
		Expect(time.ParseDuration(me.Session.Activity.Busy)).To(BeNumerically("~", 2*time.Hour, 10*time.Second))
		touches := h.line.touches.Load()
		for range 10 {
			_, err = self.Busy(ctx, 2*time.Hour)
			Expect(err).NotTo(HaveOccurred())
		}
		Expect(h.line.touches.Load()).To(Equal(touches), "a lease that is renewed all the time costs no write each")
		me, err = self.Busy(ctx, 0)
		Expect(err).NotTo(HaveOccurred())
		Expect(me.Session.Activity.Busy).To(BeEmpty())
	})

	// 000-10, 000-57
	It("has its session sleep now", func(ctx SpecContext) {
		operator(ctx, s, servedBy(pod, 1))
		self := as(tokenOf(ctx, namespace, pod, v1alpha1.TokenAudience))
		_, err := self.Busy(ctx, time.Hour)
		Expect(err).NotTo(HaveOccurred())
		me, err := self.Sleep(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(me.Session.Activity).To(And(HaveField("IdleAfter", "0s"), HaveField("Busy", "")))
	})

	It("sets its alarms, also while it is told to stop, and nothing but those", func(ctx SpecContext) {
		operator(ctx, s, servedBy(pod, 1))
		self := as(tokenOf(ctx, namespace, pod, v1alpha1.TokenAudience))
		at := time.Now().Add(time.Hour)
		me, err := self.SetAlarms(ctx, at, at.Add(time.Hour))
		Expect(err).NotTo(HaveOccurred())
		Expect(me.Session.Alarms).To(HaveLen(2))
		Expect(server.Client.Get(ctx, keyOf(s), s)).To(Succeed())
		Expect(s.Spec.Alarms[0].Time()).To(BeTemporally("==", at.Truncate(time.Second)))
		operator(ctx, s, drained)
		_, err = self.SetAlarms(ctx)
		Expect(err).NotTo(HaveOccurred())
		Expect(server.Client.Get(ctx, keyOf(s), s)).To(Succeed())
		Expect(s.Spec.Alarms).To(BeEmpty())
		_, err = self.Busy(ctx, time.Hour)
		Expect(err).To(problem(http.StatusConflict, "NotPublished"))
		_, err = self.Sleep(ctx)
		Expect(err).To(problem(http.StatusConflict, "NotPublished"))
	})

	// 004-13: what is said by a process that is not the key's any more, counts no more.
	It("is refused before it is published, and when another has taken its place", func(ctx SpecContext) {
		self := as(tokenOf(ctx, namespace, pod, v1alpha1.TokenAudience))
		_, err := self.Who(ctx)
		Expect(err).To(problem(http.StatusConflict, "NotPublished"))
		next := pod.DeepCopy()
		next.UID = "the next"
		operator(ctx, s, servedBy(next, 2))
		_, err = self.Who(ctx)
		Expect(err).To(problem(http.StatusForbidden, "FormerPod"))
		_, err = self.Busy(ctx, time.Hour)
		Expect(err).To(problem(http.StatusForbidden, "FormerPod"))
		_, err = self.SetAlarms(ctx, time.Now())
		Expect(err).To(problem(http.StatusForbidden, "FormerPod"))
		Expect(server.Client.Get(ctx, keyOf(s), s)).To(Succeed())
		Expect(s.Spec.Alarms).To(BeEmpty())
		Expect(h.line.touches.Load()).To(BeZero())
	})

	It("is refused with a token that is not its own, or not for us", func(ctx SpecContext) {
		operator(ctx, s, servedBy(pod, 1))
		good := tokenOf(ctx, namespace, pod, v1alpha1.TokenAudience)
		for what, token := range map[string]string{
			"for another audience":  tokenOf(ctx, namespace, pod, "another"),
			"bound to no pod":       tokenOf(ctx, namespace, nil, v1alpha1.TokenAudience),
			"signed by nobody":      good[:len(good)-8] + "AAAAAAAA",
			"that is none":          "none",
			"of three parts, badly": "a.b.c",
		} {
			_, err := as(token).Who(ctx)
			Expect(err).To(problem(http.StatusUnauthorized, "Unauthenticated"), "a token %s", what)
		}
	})

	It("costs one review of its token in a minute, and may not call without end", func(ctx SpecContext) {
		operator(ctx, s, servedBy(pod, 1))
		token := tokenOf(ctx, namespace, pod, v1alpha1.TokenAudience)
		now := time.Now()
		asked := 0
		counts := counting{Client: server.Client, creates: func() { asked++ }}
		r := newReviews(counts, func() time.Time { return now })
		for range callsPerMinute {
			Expect(r.pod(ctx, token, netip.Addr{})).To(HaveField("UID", string(pod.UID)))
		}
		Expect(asked).To(Equal(1))
		_, err := r.pod(ctx, token, netip.Addr{})
		Expect(err).To(MatchError(ContainSubstring("TooManyCalls")))
		now = now.Add(answerFor)
		Expect(r.pod(ctx, token, netip.Addr{})).To(HaveField("Name", pod.Name))
		Expect(asked).To(Equal(2))
	})

	It("is let in while another makes up tokens", func(ctx SpecContext) {
		good := tokenOf(ctx, namespace, pod, v1alpha1.TokenAudience)
		start, asked := time.Now(), 0
		r := newReviews(counting{Client: server.Client, creates: func() { asked++ }}, func() time.Time { return start })
		for i := range 2 * newTokensPerClient {
			_, err := r.pod(ctx, fmt.Sprintf("%s%08d", good[:len(good)-8], i), netip.MustParseAddr("192.0.2.1"))
			Expect(err).To(HaveOccurred())
		}
		Expect(asked).To(Equal(newTokensPerClient), "reviews that are left for others")
		Expect(r.pod(ctx, good, netip.MustParseAddr("192.0.2.2"))).To(HaveField("Name", pod.Name))
	})
})

// counting counts what is made.
type counting struct {
	client.Client
	creates func()
}

func (c counting) Create(ctx context.Context, o client.Object, opts ...client.CreateOption) error {
	c.creates()
	return c.Client.Create(ctx, o, opts...)
}
